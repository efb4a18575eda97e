// The resource ConnectionPool: a fleet of proxies in front of one database, as its user asks for it
// (spec). What the operator says about it is in connection_pool_status.hpp.
#pragma once

#include "crds/api/connection_pool_status.hpp"
#include "crds/api/names.hpp"
#include "crds/api/object.hpp"
#include "crds/api/rules.hpp"
#include "crds/api/settings.hpp"

namespace penstock::api {

struct CaSecretRef {
    std::string name;
    std::string key = "ca.crt";

    static constexpr auto fields() {
        using S = CaSecretRef;
        return std::tuple{
            field(
                &S::name,
                "name",
                "Name of the Secret, in the same namespace.",
                Change::Restart,
                required,
                length(1, 253),
                patterns::dns_subdomain
            ),
            field(
                &S::key,
                "key",
                "Key in the Secret whose value is the certificates in PEM form.",
                Change::Restart,
                length(1, 253),
                patterns::secret_key
            ),
        };
    }
    bool operator==(const CaSecretRef&) const = default;
};
static_assert(complete<CaSecretRef>());

struct UsersSecretRef {
    std::string name;
    std::string key = "userlist.txt";
    std::optional<std::string> mock_secret_key;

    static constexpr auto fields() {
        using S = UsersSecretRef;
        return std::tuple{
            field(
                &S::name,
                "name",
                "Name of the Secret, in the same namespace.",
                Change::Restart,
                required,
                length(1, 253),
                patterns::dns_subdomain
            ),
            field(
                &S::key,
                "key",
                "Key in the Secret whose value is the list of users, in PgBouncer's userlist.txt "
                "form.",
                Change::Restart,
                length(1, 253),
                patterns::secret_key
            ),
            field(
                &S::mock_secret_key,
                "mockSecretKey",
                "Key in the Secret whose value is 16 random bytes or more. From them is made what "
                "a "
                "client is shown whose user has no stored verifier, so that which users exist "
                "cannot "
                "be learnt by asking several proxies. Without it the TLS key serves, else the "
                "UID of the pool.",
                Change::Restart,
                length(1, 253),
                patterns::secret_key
            ),
        };
    }
    bool operator==(const UsersSecretRef&) const = default;
};
static_assert(complete<UsersSecretRef>());

struct DatabaseTls {
    TlsMode mode = TlsMode::Prefer;
    std::optional<CaSecretRef> ca_secret_ref;

    static constexpr auto fields() {
        using S = DatabaseTls;
        return std::tuple{
            field(
                &S::mode,
                "mode",
                "Use of TLS towards the database, as libpq's sslmode.",
                Change::NewConnections
            ),
            field(
                &S::ca_secret_ref,
                "caSecretRef",
                "Certificates that the database's certificate must be signed by. A renewed Secret "
                "is read again.",
                Change::Restart
            ),
        };
    }
    static auto rules() {
        return std::array{Rule<DatabaseTls>{
            [](const DatabaseTls& self) {
                return (self.mode != TlsMode::VerifyCA && self.mode != TlsMode::VerifyFull) ||
                       self.ca_secret_ref;
            },
            "!(has(self.mode) && self.mode in ['VerifyCA', 'VerifyFull']) || has(self.caSecretRef)",
            "caSecretRef",
            "must be set when mode is VerifyCA or VerifyFull",
            R"({"mode": "VerifyFull", "caSecretRef": {"name": "database-ca"}})",
            R"({"mode": "VerifyCA"})",
        }};
    }
    bool operator==(const DatabaseTls&) const = default;
};
static_assert(complete<DatabaseTls>());

struct Database {
    std::string host;
    std::int32_t port = 5432;
    DatabaseTls tls;
    SecretRef monitor_secret_ref;
    std::string monitor_database = "postgres";

    static constexpr auto fields() {
        using S = Database;
        return std::tuple{
            field(
                &S::host,
                "host",
                "The PostgreSQL server to pool for.",
                Change::Immutable,
                required,
                length(1, 253),
                patterns::host
            ),
            field(&S::port, "port", "Its port.", Change::Immutable, range(1, 65'535)),
            field(&S::tls, "tls", "TLS towards the database."),
            field(
                &S::monitor_secret_ref,
                "monitorSecretRef",
                "Secret of type kubernetes.io/basic-auth: the role that asks the database for its "
                "facts "
                "(limits, usage, version). The proxies read it; the operator does not.",
                Change::Restart,
                required
            ),
            field(
                &S::monitor_database,
                "monitorDatabase",
                "Database that this role connects to.",
                Change::NewConnections,
                length(1, 63)
            ),
        };
    }
    bool operator==(const Database&) const = default;
};
static_assert(complete<Database>());

struct ClientTls {
    ClientTlsMode mode = ClientTlsMode::Allow;
    SecretRef secret_ref;

    static constexpr auto fields() {
        using S = ClientTls;
        return std::tuple{
            field(&S::mode, "mode", "Use of TLS towards clients.", Change::NewConnections),
            field(
                &S::secret_ref,
                "secretRef",
                "Secret of type kubernetes.io/tls: tls.crt and tls.key. A renewed Secret is read "
                "again.",
                Change::Restart,
                required
            ),
        };
    }
    bool operator==(const ClientTls&) const = default;
};
static_assert(complete<ClientTls>());

struct Clients {
    Authentication authentication = Authentication::ScramSha256;
    std::optional<UsersSecretRef> users_secret_ref;
    std::optional<ClientTls> tls;

    static constexpr auto fields() {
        using S = Clients;
        return std::tuple{
            field(
                &S::authentication,
                "authentication",
                "How clients prove who they are.",
                Change::NewConnections
            ),
            field(
                &S::users_secret_ref,
                "usersSecretRef",
                "Secret with the users that may log in and their passwords. A renewed Secret is "
                "read again.",
                Change::Restart
            ),
            field(
                &S::tls,
                "tls",
                "TLS towards clients. Without it they are served in plain text.",
                Change::Restart
            ),
        };
    }
    static auto rules() {
        return std::array{Rule<Clients>{
            [](const Clients& self) {
                return self.authentication == Authentication::Trust || self.users_secret_ref;
            },
            "self.authentication == 'Trust' || has(self.usersSecretRef)",
            "usersSecretRef",
            "must be set unless authentication is Trust",
            R"({"authentication": "MD5", "usersSecretRef": {"name": "users"}})",
            R"({"authentication": "ScramSha256"})",
        }};
    }
    bool operator==(const Clients&) const = default;
};
static_assert(complete<Clients>());

struct PoolListen {
    std::int32_t port = ports::listen;

    static constexpr auto fields() {
        return std::tuple{
            field(
                &PoolListen::port,
                "port",
                "Port that clients connect to.",
                Change::Restart,
                range(1, 65'535)
            ),
        };
    }
    bool operator==(const PoolListen&) const = default;
};
static_assert(complete<PoolListen>());

struct Budget {
    std::optional<std::int32_t> max_server_connections;
    std::int32_t max_server_connections_percent = 70;
    std::int32_t headroom_connections = 5;
    std::int32_t weight = 100;

    static constexpr auto fields() {
        using S = Budget;
        return std::tuple{
            field(
                &S::max_server_connections,
                "maxServerConnections",
                "Server connections of all proxies together, at most, whatever the database would "
                "allow.",
                Change::Live,
                range(1, 65'535)
            ),
            field(
                &S::max_server_connections_percent,
                "maxServerConnectionsPercent",
                "Share of the database's max_connections, less what it reserves, that pools may "
                "use together.",
                Change::Live,
                range(1, 100)
            ),
            field(
                &S::headroom_connections,
                "headroomConnections",
                "Connections of the database that pools leave free, for others to log in.",
                Change::Live,
                range(0, 10'000)
            ),
            field(
                &S::weight,
                "weight",
                "Share of this pool among the pools of the same database when they ask for more "
                "than there is.",
                Change::Live,
                range(1, 1'000)
            ),
        };
    }
    bool operator==(const Budget&) const = default;
};
static_assert(complete<Budget>());

enum class SizingMode : std::uint8_t {
    Auto,     // sized by demand
    Fixed,    // serverConnections, if the budget allows it
    Observe,  // sized by demand in status only; granted stays minServerConnections and what is in
              // use
};
constexpr auto enumerators(SizingMode) {
    return std::array{
        Enumerator{SizingMode::Auto, "Auto"},
        Enumerator{SizingMode::Fixed, "Fixed"},
        Enumerator{SizingMode::Observe, "Observe"},
    };
}

struct Sizing {
    SizingMode mode = SizingMode::Auto;
    std::optional<std::int32_t> server_connections;
    std::int32_t min_server_connections = 2;
    std::optional<std::int32_t> max_server_connections;
    std::int32_t stabilization_window_seconds = 10;

    static constexpr auto fields() {
        using S = Sizing;
        return std::tuple{
            field(
                &S::mode,
                "mode",
                "Auto sizes the pool by demand; Fixed keeps serverConnections; Observe shows in "
                "status what Auto "
                "would do and leaves the size as it is.",
                Change::Live
            ),
            field(
                &S::server_connections,
                "serverConnections",
                "Server connections of all proxies together in mode Fixed.",
                Change::Live,
                range(1, 65'535)
            ),
            field(
                &S::min_server_connections,
                "minServerConnections",
                "Server connections of all proxies together that the pool keeps without demand. "
                "Each proxy keeps at least one.",
                Change::Live,
                range(0, 65'535)
            ),
            field(
                &S::max_server_connections,
                "maxServerConnections",
                "Server connections of all proxies together that demand may ask for, at most.",
                Change::Live,
                range(1, 65'535)
            ),
            field(
                &S::stabilization_window_seconds,
                "stabilizationWindowSeconds",
                "Demand must have been lower for so long before the pool shrinks.",
                Change::Live,
                range(0, 3'600)
            ),
        };
    }
    static auto rules() {
        return std::array{
            Rule<Sizing>{
                [](const Sizing& self) {
                    return (self.mode == SizingMode::Fixed) == self.server_connections.has_value();
                },
                "(has(self.mode) && self.mode == 'Fixed') == has(self.serverConnections)",
                "serverConnections",
                "must be set when mode is Fixed, and only then",
                R"({"mode": "Fixed", "serverConnections": 20})",
                R"({"mode": "Auto", "serverConnections": 20})",
            },
            Rule<Sizing>{
                [](const Sizing& self) {
                    return !self.max_server_connections ||
                           self.min_server_connections <= *self.max_server_connections;
                },
                "!has(self.maxServerConnections) || self.minServerConnections <= "
                "self.maxServerConnections",
                "minServerConnections",
                "must not be above maxServerConnections",
                R"({"minServerConnections": 10, "maxServerConnections": 10})",
                R"({"minServerConnections": 11, "maxServerConnections": 10})",
            },
        };
    }
    bool operator==(const Sizing&) const = default;
};
static_assert(complete<Sizing>());

struct ConnectionPoolSpec {
    Database database;
    Clients clients;
    PoolListen listen;
    PoolMode pool_mode = PoolMode::Transaction;
    std::int32_t replicas = 2;
    std::int32_t workers = 0;
    Budget budget;
    Sizing sizing;
    Limits limits;
    Timeouts timeouts;
    Drain drain;

    static constexpr auto fields() {
        using S = ConnectionPoolSpec;
        return std::tuple{
            field(&S::database, "database", "The PostgreSQL server and how to reach it.", required),
            field(&S::clients, "clients", "Who may connect and how.", required),
            field(&S::listen, "listen", "Where clients connect to."),
            field(
                &S::pool_mode,
                "poolMode",
                "When a server connection goes back to the pool: at the end of each transaction, "
                "or when the "
                "client leaves.",
                Change::NewConnections
            ),
            field(&S::replicas, "replicas", "Proxies that run.", Change::Live, range(0, 256)),
            field(
                &S::workers,
                "workers",
                "Threads of each proxy; 0 makes one for each CPU that it may use.",
                Change::Restart,
                range(0, 64)
            ),
            field(&S::budget, "budget", "What of the database's connections the pool may use."),
            field(&S::sizing, "sizing", "How many of them it uses when."),
            field(&S::limits, "limits", "Limits of each proxy."),
            field(&S::timeouts, "timeouts", "Timeouts of each proxy."),
            field(&S::drain, "drain", "How a proxy stops."),
        };
    }
    bool operator==(const ConnectionPoolSpec&) const = default;
};
static_assert(complete<ConnectionPoolSpec>());

struct ConnectionPool {
    Metadata metadata;
    ConnectionPoolSpec spec;
    ConnectionPoolStatus status;

    bool operator==(const ConnectionPool&) const = default;
};

}  // namespace penstock::api
