// Settings that a ConnectionPool and a proxy's own configuration share, as the same objects: there
// is nothing to map. PgBouncer's words and defaults where it has the setting. Values; no owner, any
// thread.
#pragma once

#include "crds/api/field.hpp"

namespace penstock::api {

enum class PoolMode : std::uint8_t {
    Transaction,  // a server goes back to the pool when its transaction ends
    Session,      // a server stays with its client until the client leaves
};
constexpr auto enumerators(PoolMode) {
    return std::array{
        Enumerator{PoolMode::Transaction, "Transaction"},
        Enumerator{PoolMode::Session, "Session"},
    };
}

// libpq's sslmode, towards the database.
enum class TlsMode : std::uint8_t {
    Disable,
    Prefer,  // TLS if the database offers it
    Require,
    VerifyCA,
    VerifyFull,  // VerifyCA, and the certificate must name the host
};
constexpr auto enumerators(TlsMode) {
    return std::array{
        Enumerator{TlsMode::Disable, "Disable"},
        Enumerator{TlsMode::Prefer, "Prefer"},
        Enumerator{TlsMode::Require, "Require"},
        Enumerator{TlsMode::VerifyCA, "VerifyCA"},
        Enumerator{TlsMode::VerifyFull, "VerifyFull"},
    };
}

enum class ClientTlsMode : std::uint8_t {
    Disable,
    Allow,    // the client decides
    Require,  // clients without TLS are refused
};
constexpr auto enumerators(ClientTlsMode) {
    return std::array{
        Enumerator{ClientTlsMode::Disable, "Disable"},
        Enumerator{ClientTlsMode::Allow, "Allow"},
        Enumerator{ClientTlsMode::Require, "Require"},
    };
}

enum class Authentication : std::uint8_t { ScramSha256, Md5, Trust };
constexpr auto enumerators(Authentication) {
    return std::array{
        Enumerator{Authentication::ScramSha256, "ScramSha256"},
        Enumerator{Authentication::Md5, "MD5"},
        Enumerator{Authentication::Trust, "Trust"},
    };
}

struct Limits {
    std::int32_t max_client_connections = 5000;
    std::int32_t max_user_connections = 0;
    std::int32_t max_database_connections = 0;
    std::int32_t max_message_bytes = 1'073'741'823;  // PostgreSQL's own bound: 1 GiB less one byte
    std::int32_t max_client_bytes = 67'108'864;
    std::int64_t max_memory_bytes = 268'435'456;
    std::int32_t max_prepared_statements = 200;
    std::int32_t logins_in_flight = 4;

    static constexpr auto fields() {
        using S = Limits;
        return std::tuple{
            field(
                &S::max_client_connections,
                "maxClientConnections",
                "Maximum number of clients of one proxy; further logins are refused with SQLSTATE "
                "53300. As many may be logging in as places are left, but at least 64; with one "
                "more, the one that began first is dropped.",
                Change::Live,
                range(1, 100'000)
            ),
            field(
                &S::max_user_connections,
                "maxUserConnections",
                "Maximum number of server connections of one proxy for one user; transactions "
                "beyond it wait. 0 sets no limit.",
                Change::Live,
                range(0, 65'535)
            ),
            field(
                &S::max_database_connections,
                "maxDatabaseConnections",
                "Maximum number of server connections of one proxy for one database; transactions "
                "beyond it wait. 0 sets no limit.",
                Change::Live,
                range(0, 65'535)
            ),
            field(
                &S::max_message_bytes,
                "maxMessageBytes",
                "Longest protocol message that is passed on. A longer one ends its connection.",
                Change::Live,
                range(16'384, 1'073'741'823)
            ),
            field(
                &S::max_client_bytes,
                "maxClientBytes",
                "Memory that one client may take for the texts of its prepared statements and for "
                "messages that are not whole; a Parse that needs more is refused with SQLSTATE "
                "54000. Other messages are passed on as they arrive, whatever their length.",
                Change::Live,
                range(65'536, 1'073'741'823)
            ),
            field(
                &S::max_memory_bytes,
                "maxMemoryBytes",
                "Memory that all clients of one proxy may take for messages that wait or are not "
                "whole and for the texts of prepared statements. Beyond it clients that wait are "
                "not read, and messages that need more are refused with SQLSTATE 53200.",
                Change::Live,
                range(1'048'576, 1'099'511'627'776)
            ),
            field(
                &S::max_prepared_statements,
                "maxPreparedStatements",
                "Prepared statements kept on one server connection; the least recently used one "
                "goes first. "
                "0 passes statements through untracked, which suits only pool mode Session.",
                Change::NewConnections,
                range(0, 10'000)
            ),
            field(
                &S::logins_in_flight,
                "loginsInFlight",
                "Server connections that one proxy opens at the same time, at most.",
                Change::Live,
                range(1, 1'000)
            ),
        };
    }
    bool operator==(const Limits&) const = default;
};
static_assert(complete<Limits>());

// Whole seconds; where 0 is allowed it switches the timeout off.
struct Timeouts {
    std::int32_t client_login_seconds = 60;
    std::int32_t query_wait_seconds = 120;
    std::int32_t query_seconds = 0;
    std::int32_t transaction_seconds = 0;
    std::int32_t idle_in_transaction_seconds = 0;
    std::int32_t client_idle_seconds = 0;
    std::int32_t client_write_seconds = 60;
    std::int32_t server_idle_seconds = 600;
    std::int32_t server_lifetime_seconds = 3600;
    std::int32_t server_connect_seconds = 15;
    std::int32_t server_login_retry_seconds = 1;
    std::int32_t cancel_wait_seconds = 10;
    std::int32_t server_check_delay_seconds = 30;
    std::int32_t tcp_keepalive_idle_seconds = 60;
    std::int32_t tcp_keepalive_interval_seconds = 10;
    std::int32_t tcp_user_timeout_seconds = 120;

    static constexpr auto fields() {
        using S = Timeouts;
        constexpr std::int64_t day = 86'400;
        return std::tuple{
            field(
                &S::client_login_seconds,
                "clientLoginSeconds",
                "Time a client has from its first byte to the end of its login; 0 sets no limit.",
                Change::Live,
                range(0, day)
            ),
            field(
                &S::query_wait_seconds,
                "queryWaitSeconds",
                "Time a transaction may wait for a server connection; 0 sets no limit.",
                Change::Live,
                range(0, day)
            ),
            field(
                &S::query_seconds,
                "querySeconds",
                "Longest time from a request to its reply; then the server connection is closed. 0 "
                "sets no limit.",
                Change::Live,
                range(0, day)
            ),
            field(
                &S::transaction_seconds,
                "transactionSeconds",
                "Longest time a client may hold a server connection for one transaction; 0 sets no "
                "limit.",
                Change::Live,
                range(0, day)
            ),
            field(
                &S::idle_in_transaction_seconds,
                "idleInTransactionSeconds",
                "Longest time a client may be silent inside a transaction; 0 sets no limit.",
                Change::Live,
                range(0, day)
            ),
            field(
                &S::client_idle_seconds,
                "clientIdleSeconds",
                "Longest time a client may be silent outside a transaction; 0 sets no limit.",
                Change::Live,
                range(0, 30 * day)
            ),
            field(
                &S::client_write_seconds,
                "clientWriteSeconds",
                "Longest time a client may read nothing of what is sent to it; then it is cut off. "
                "0 sets no limit.",
                Change::Live,
                range(0, 30 * day)
            ),
            field(
                &S::server_idle_seconds,
                "serverIdleSeconds",
                "A server connection that nobody used for so long is closed; 0 keeps it.",
                Change::Live,
                range(0, 30 * day)
            ),
            field(
                &S::server_lifetime_seconds,
                "serverLifetimeSeconds",
                "A server connection older than this is closed when it comes back to the pool, up "
                "to "
                "a tenth earlier by chance so that not all are closed at once; 0 keeps it.",
                Change::Live,
                range(0, 30 * day)
            ),
            field(
                &S::server_connect_seconds,
                "serverConnectSeconds",
                "Time for opening a server connection, its login included.",
                Change::Live,
                range(1, 3'600)
            ),
            field(
                &S::server_login_retry_seconds,
                "serverLoginRetrySeconds",
                "Pause after a failed login at the database before the next attempt.",
                Change::Live,
                range(1, 3'600)
            ),
            field(
                &S::cancel_wait_seconds,
                "cancelWaitSeconds",
                "Time a cancel request may wait for a connection to the database; 0 sets no limit.",
                Change::Live,
                range(0, 3'600)
            ),
            field(
                &S::server_check_delay_seconds,
                "serverCheckDelaySeconds",
                "A server connection that was idle for longer is checked with an empty query "
                "before use; "
                "0 checks it every time.",
                Change::Live,
                range(0, 3'600)
            ),
            field(
                &S::tcp_keepalive_idle_seconds,
                "tcpKeepaliveIdleSeconds",
                "Silence on a connection, of a client or to the database, after which TCP asks "
                "whether its peer is there; 0 leaves it to the system.",
                Change::NewConnections,
                range(0, 32'767)
            ),
            field(
                &S::tcp_keepalive_interval_seconds,
                "tcpKeepaliveIntervalSeconds",
                "Time between two such questions; 0 leaves it to the system.",
                Change::NewConnections,
                range(0, 32'767)
            ),
            field(
                &S::tcp_user_timeout_seconds,
                "tcpUserTimeoutSeconds",
                "Longest time that bytes sent may go without TCP's acknowledgement before the "
                "connection is given up; 0 leaves it to the system.",
                Change::NewConnections,
                range(0, day)
            ),
        };
    }
    bool operator==(const Timeouts&) const = default;
};
static_assert(complete<Timeouts>());

struct Drain {
    std::int32_t timeout_seconds = 120;
    std::optional<std::int32_t> accept_seconds;

    static constexpr auto fields() {
        using S = Drain;
        return std::tuple{
            field(
                &S::timeout_seconds,
                "timeoutSeconds",
                "Time a proxy that stops gives its clients to end their transactions; then they "
                "are cut off.",
                Change::Live,
                range(0, 3'600)
            ),
            field(
                &S::accept_seconds,
                "acceptSeconds",
                "Time a proxy that stops goes on as before, though no longer ready, so that load "
                "balancers learn of it before it refuses anybody. Without it 3 in a Pod, else 0.",
                Change::Live,
                range(0, 20)
            ),
        };
    }
    bool operator==(const Drain&) const = default;
};
static_assert(complete<Drain>());

// The lines of transactions that wait for a server connection of one proxy: one for each database
// and user.
struct Queue {
    std::int32_t max_length = 1000;
    std::int32_t max_wait_milliseconds = 5000;

    static constexpr auto fields() {
        using S = Queue;
        return std::tuple{
            field(
                &S::max_length,
                "maxLength",
                "Transactions of one database and user that may wait at one proxy at once; one "
                "more is refused. 0 sets no limit.",
                Change::Live,
                range(0, 1'000'000)
            ),
            field(
                &S::max_wait_milliseconds,
                "maxWaitMilliseconds",
                "A transaction whose predicted wait is longer is refused at once with SQLSTATE "
                "53300.",
                Change::Live,
                range(1, 600'000)
            ),
        };
    }
    bool operator==(const Queue&) const = default;
};
static_assert(complete<Queue>());

}  // namespace penstock::api
