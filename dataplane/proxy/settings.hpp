// What a Proxy is told, ready for use: durations and tables instead of documents. Immutable once
// made; a change is a new object that replaces the old one (Proxy::configure).
#pragma once

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

    std::int32_t clients_max = 5000;
    std::int32_t clients_per_user_max = 0;
    std::int32_t servers_per_key_max = 0;  // server connections per database and user
    std::int32_t logins_in_flight_max = 4;
    std::int32_t prepared_statements_max = 200;
    std::size_t message_bytes_max = 1'073'741'823;

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
    Duration cancel_wait_timeout{};
    Duration drain_timeout{};
};

}  // namespace penstock::proxy
