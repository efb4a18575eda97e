// The files of one proxy process: what it is told, and what a restarted operator must know to take
// it over.
//   config.json   its configuration       token   what the operator shows at its admin port
//   admin.port    written by the proxy    record.json  who it is
#pragma once

#include "crds/api/dataplane_config.hpp"
#include "operator/host/process.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace penstock::host {

struct ProxyRecord {
    std::string id;
    std::string pool;  // namespace/name
    std::string restart_hash;
    ProcessIdentity process;  // pid 0: about to be started
    bool draining = false;

    bool operator==(const ProxyRecord&) const = default;
};

class ProxyFolder {
 public:
    // The folder of the proxy `id` below `proxies`; nothing is made or read yet.
    ProxyFolder(const std::filesystem::path& proxies, const std::string& id);

    // Makes the folder and a new token.
    api::Result<void> create();
    // Requires: create() was called, now or by an earlier operator.
    api::Result<std::string> read_token() const;

    // The workload's configuration, with what only this proxy has: its id and its admin port.
    api::DataplaneConfig complete(api::DataplaneConfig config, const std::string& id) const;
    // True if the file has become another one.
    api::Result<bool> write_config(const api::DataplaneConfig& config);

    api::Result<void> save(const ProxyRecord& record);
    // The admin port once the proxy has told it.
    std::optional<std::uint16_t> admin_port() const;

    std::filesystem::path config_file() const { return path_ / "config.json"; }
    const std::filesystem::path& path() const { return path_; }

 private:
    std::filesystem::path path_;
};

// The records of all proxies below the folder. A process that was being started when the operator
// ended is found by its command line; one that is gone has pid 0.
std::vector<ProxyRecord> load_proxies(const std::filesystem::path& proxies);

// "orders-7c41f0a2": the pool's name, cut to fit, and a random end. Never the same twice.
std::string new_proxy_id(const std::string& pool);

// Hexadecimal digits of so many random bytes.
std::string random_hex(std::size_t bytes);

}  // namespace penstock::host
