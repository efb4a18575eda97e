// What a Proxy is told, ready for use: durations and tables instead of documents. Immutable once
// made; a change is a new object that replaces the old one (Proxy::configure).
#pragma once

#include "dataplane/pool/server_counts.hpp"
#include "dataplane/session/client_login.hpp"
#include "dataplane/session/server_login.hpp"
#include "dataplane/wire/userlist.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

namespace penstock::proxy {

using TimePoint = std::chrono::steady_clock::time_point;
using Duration = std::chrono::steady_clock::duration;

enum class PoolMode : std::uint8_t { Transaction, Session };

// A timeout or limit of zero means none.
struct Settings {
    PoolMode pool_mode = PoolMode::Transaction;
    session::ClientLoginSettings login;
    session::ServerTls server_tls = session::ServerTls::Disable;
    wire::UserTable users;
    std::string
        application_tag;  // application_name of server connections begins with it (api::proxy_tag)
    std::string database_address;  // "host:port", for messages
    // Of the database's address and the use of TLS towards it: servers that were opened under
    // another one are replaced.
    std::uint64_t endpoint = 0;

    std::int32_t clients_max = 5000;
    pool::ServerLimits server_limits;
    std::int32_t logins_in_flight_max = 4;
    std::int32_t prepared_statements_max = 200;  // 0: statements are passed through untracked
    std::size_t message_bytes_max = 1'073'741'823;
    std::size_t client_bytes_max = std::size_t{64} << 20U;  // kept for one client
    std::int64_t bytes_max = std::int64_t{256} << 20U;      // for all of the process

    Duration client_login_timeout{};
    Duration queue_wait_timeout{};
    Duration query_timeout{};
    Duration transaction_timeout{};
    Duration idle_in_transaction_timeout{};
    Duration client_idle_timeout{};
    Duration server_idle_timeout{};
    Duration server_lifetime{};
    Duration server_connect_timeout{};
    Duration server_login_retry{};
    // A server that was idle for longer is checked before use. Zero: each time.
    Duration server_check_delay = Duration::max();
    Duration cancel_wait_timeout{};
    Duration drain_timeout{};
};

}  // namespace penstock::proxy
