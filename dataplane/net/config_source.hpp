// From files to what is in force: reads the configuration and every file it names, and makes a
// Configuration of them or says everything that is wrong. Reads files; the control thread.
#pragma once

#include "crds/api/result.hpp"
#include "dataplane/net/configuration.hpp"

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <boost/asio/ssl/context.hpp>

namespace penstock::net {

// What a process is, made once at its start.
struct Identity {
    std::string proxy_id;     // used where the configuration has none
    std::string mock_secret;  // random: see session::ClientLoginSettings
    bool is_pod = false;

    // In a Pod its name, else the host's, with random digits; random bytes. Null: in no Pod.
    static Identity make(const char* pod_name);
};

// Who may grant, where grants have a port of their own.
struct GrantsAccess {
    std::string authorities;                         // PEM
    std::shared_ptr<boost::asio::ssl::context> tls;  // made of them; null: nobody
};

struct Reading {
    std::shared_ptr<const Configuration> configuration;  // null if there are faults
    // Good by itself, whatever the files that it names are.
    std::optional<api::DataplaneConfig> document;
    GrantsAccess grants;  // as far as its own file is good
    std::vector<api::Error> faults;
    std::vector<api::Error> warnings;
    std::set<std::string> files;  // all that were read or should have been
    std::string contents;         // of all of them: equal for equal files
};

// before: in force until now; what was worked out for it is kept. Null: nothing is.
Reading read_configuration(
    const std::string& path, const Identity& identity, const Configuration* before = nullptr
);

// What the proxies' core is told by a document.
proxy::Settings settings_from(
    const api::DataplaneConfig& document, const Identity& identity, wire::UserTable users
);

// One fault for each field that differs and is read at the start only.
std::vector<api::Error> needing_restart(
    const api::DataplaneConfig& started, const api::DataplaneConfig& now
);

}  // namespace penstock::net
