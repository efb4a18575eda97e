// The folder in which local mode keeps what must outlive it. One operator at a time has it, held by
// a lock that the kernel drops when the operator ends, however it ends.
//   operator.lock, epoch, objects/KIND_NAMESPACE_NAME.json, secrets/NAMESPACE/NAME/KEY,
//   proxies/ID/{config.json,record.json,token,admin.port}, logs/NAMESPACE_POOL.log,
//   status/KIND_NAMESPACE_NAME.yaml
#pragma once

#include "crds/api/result.hpp"

#include <cstdint>
#include <filesystem>
#include <string>

namespace penstock::host {

class StateFolder {
 public:
    // Makes the folder if need be and takes its lock. The error names the process that has it.
    static api::Result<StateFolder> open(const std::filesystem::path& path);
    ~StateFolder();
    StateFolder(StateFolder&& other) noexcept;
    StateFolder& operator=(StateFolder&&) = delete;

    // Counts up the number kept in the folder, durably: above every epoch that was ever used from
    // it.
    api::Result<std::uint64_t> next_epoch();

    const std::filesystem::path& path() const { return path_; }
    std::filesystem::path objects() const { return path_ / "objects"; }
    std::filesystem::path secrets() const { return path_ / "secrets"; }
    std::filesystem::path proxies() const { return path_ / "proxies"; }
    std::filesystem::path logs() const { return path_ / "logs"; }
    std::filesystem::path status() const { return path_ / "status"; }

 private:
    StateFolder(std::filesystem::path path, int lock) : path_(std::move(path)), lock_(lock) {}

    std::filesystem::path path_;
    int lock_;
};

// Whether an operator has the folder now.
bool is_locked(const std::filesystem::path& state);

}  // namespace penstock::host
