// What is in force: made by config_source from one reading of the files, then shared by the control
// thread and all workers. Immutable; a change is a new object.
#pragma once

#include "crds/api/dataplane_config.hpp"
#include "dataplane/net/tls.hpp"
#include "dataplane/postgres/facts_connection.hpp"
#include "dataplane/proxy/settings.hpp"

#include <memory>
#include <optional>
#include <string>

namespace penstock::net {

struct Configuration {
    api::DataplaneConfig document;  // as it was read, the identity filled in
    std::shared_ptr<const proxy::Settings> settings;
    std::shared_ptr<const ClientSideTls> client_tls;  // null: plain only
    std::shared_ptr<const ServerSideTls> server_tls;  // null: plain only
    std::string admin_token;                          // empty: grants are refused
    std::optional<postgres::Target> monitor;          // nothing: no facts are asked
};

}  // namespace penstock::net
