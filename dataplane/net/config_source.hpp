// From files to what is in force: reads the configuration and every file it names, and makes a
// Configuration of them or says everything that is wrong. Reads files; the control thread.
#pragma once

#include "crds/api/result.hpp"
#include "dataplane/net/configuration.hpp"

#include <memory>
#include <set>
#include <string>
#include <vector>

namespace penstock::net {

// What a process is, made once at its start.
struct Identity {
    std::string proxy_id;     // used where the configuration has none
    std::string mock_secret;  // random: see session::ClientLoginSettings

    // Host name and random digits; random bytes.
    static Identity make();
};

struct Reading {
    std::shared_ptr<const Configuration> configuration;  // null if there are faults
    std::vector<api::Error> faults;
    std::vector<api::Error> warnings;
    std::set<std::string> files;  // all that were read or should have been
    std::string contents;         // of all of them: equal for equal files
};

Reading read_configuration(const std::string& path, const Identity& identity);

// What the proxies' core is told by a document.
proxy::Settings settings_from(
    const api::DataplaneConfig& document, const Identity& identity, wire::UserTable users
);

// One fault for each field that differs and is read at the start only.
std::vector<api::Error> needing_restart(
    const api::DataplaneConfig& started, const api::DataplaneConfig& now
);

}  // namespace penstock::net
