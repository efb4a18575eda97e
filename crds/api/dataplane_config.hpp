// What one proxy is told: the file of `penstock-proxy --config FILE`, written by hand or by the
// operator. It embeds the settings of a ConnectionPool as they are; where a ConnectionPool refers
// to Secrets this has files.
#pragma once

#include "crds/api/names.hpp"
#include "crds/api/rules.hpp"
#include "crds/api/settings.hpp"

namespace penstock::api {

struct ProxyListen {
    std::string address = "0.0.0.0";
    std::int32_t port = ports::listen;

    static constexpr auto fields() {
        using S = ProxyListen;
        return std::tuple{
            field(
                &S::address, "address", "IP address to listen on.", Change::Restart, length(1, 64)
            ),
            field(
                &S::port,
                "port",
                "Port to listen on; 0 takes a free one.",
                Change::Restart,
                range(0, 65'535)
            ),
        };
    }
    bool operator==(const ProxyListen&) const = default;
};
static_assert(complete<ProxyListen>());

// Where the operator is met when it is not on this host.
struct GrantsListen {
    std::string address = "0.0.0.0";
    std::int32_t port = ports::grants;
    std::string client_ca_file;
    std::optional<std::string> identity_token_file;

    static constexpr auto fields() {
        using S = GrantsListen;
        return std::tuple{
            field(
                &S::address,
                "address",
                "IP address of the grants port.",
                Change::Restart,
                length(1, 64)
            ),
            field(
                &S::port,
                "port",
                "Port for grants and reports over mutual TLS; 0 takes a free one.",
                Change::Restart,
                range(0, 65'535)
            ),
            field(
                &S::client_ca_file,
                "clientCaFile",
                "Certificates in PEM form; one of them must have signed the operator's, which is "
                "made out to penstock-operator.",
                Change::Live,
                required,
                length(1, 4'096)
            ),
            field(
                &S::identity_token_file,
                "identityTokenFile",
                "File with the token that proves to the operator which Pod answers. Read for each "
                "answer.",
                Change::Live,
                length(1, 4'096)
            ),
        };
    }
    bool operator==(const GrantsListen&) const = default;
};
static_assert(complete<GrantsListen>());

struct AdminListen {
    std::string address = "127.0.0.1";
    std::int32_t port = ports::admin;
    std::optional<std::string> port_file;
    std::optional<std::string> token_file;
    std::optional<GrantsListen> grants;

    static constexpr auto fields() {
        using S = AdminListen;
        return std::tuple{
            field(
                &S::address,
                "address",
                "IP address of the admin port.",
                Change::Restart,
                length(1, 64)
            ),
            field(
                &S::port,
                "port",
                "Port for metrics, health and grants; 0 takes a free one.",
                Change::Restart,
                range(0, 65'535)
            ),
            field(
                &S::port_file,
                "portFile",
                "File that the proxy writes the number of its admin port to once it listens.",
                Change::Restart,
                length(1, 4'096)
            ),
            field(
                &S::token_file,
                "tokenFile",
                "File with the token that the operator must show. Without it grants are refused.",
                Change::Live,
                length(1, 4'096)
            ),
            field(
                &S::grants,
                "grants",
                "A port of its own for grants and reports, with mutual TLS; the admin port then "
                "has neither.",
                Change::Restart
            ),
        };
    }
    bool operator==(const AdminListen&) const = default;
};
static_assert(complete<AdminListen>());

struct ProxyDatabaseTls {
    TlsMode mode = TlsMode::Prefer;
    std::optional<std::string> ca_file;

    static constexpr auto fields() {
        using S = ProxyDatabaseTls;
        return std::tuple{
            field(
                &S::mode,
                "mode",
                "Use of TLS towards the database, as libpq's sslmode.",
                Change::NewConnections
            ),
            field(
                &S::ca_file,
                "caFile",
                "Certificates in PEM form that the database's certificate must be signed by.",
                Change::NewConnections,
                length(1, 4'096)
            ),
        };
    }
    static auto rules() {
        return std::array{Rule<ProxyDatabaseTls>{
            [](const ProxyDatabaseTls& self) {
                return (self.mode != TlsMode::VerifyCA && self.mode != TlsMode::VerifyFull) ||
                       self.ca_file;
            },
            "!(has(self.mode) && self.mode in ['VerifyCA', 'VerifyFull']) || has(self.caFile)",
            "caFile",
            "must be set when mode is VerifyCA or VerifyFull",
            R"({"mode": "VerifyFull", "caFile": "/etc/ssl/database-ca.pem"})",
            R"({"mode": "VerifyCA"})",
        }};
    }
    bool operator==(const ProxyDatabaseTls&) const = default;
};
static_assert(complete<ProxyDatabaseTls>());

// The role that asks the database for its facts.
struct Monitor {
    std::optional<std::string> user;
    std::optional<std::string> user_file;  // a mounted Secret has the name in a file
    std::optional<std::string> password_file;
    std::string database = "postgres";

    static constexpr auto fields() {
        using S = Monitor;
        return std::tuple{
            field(&S::user, "user", "Name of the role.", Change::Live, length(1, 63)),
            field(
                &S::user_file,
                "userFile",
                "File with the name of the role.",
                Change::Live,
                length(1, 4'096)
            ),
            field(
                &S::password_file,
                "passwordFile",
                "File with its password.",
                Change::Live,
                length(1, 4'096)
            ),
            field(
                &S::database,
                "database",
                "Database that it connects to.",
                Change::Live,
                length(1, 63)
            ),
        };
    }
    static auto rules() {
        return std::array{Rule<Monitor>{
            [](const Monitor& self) { return self.user.has_value() != self.user_file.has_value(); },
            "has(self.user) != has(self.userFile)",
            "user",
            "must be set, or userFile must be; exactly one of both",
            R"({"user": "penstock"})",
            R"({"user": "penstock", "userFile": "/etc/monitor/username"})",
        }};
    }
    bool operator==(const Monitor&) const = default;
};
static_assert(complete<Monitor>());

struct ProxyDatabase {
    std::string host;
    std::int32_t port = 5432;
    ProxyDatabaseTls tls;
    std::optional<Monitor> monitor;

    static constexpr auto fields() {
        using S = ProxyDatabase;
        return std::tuple{
            field(
                &S::host,
                "host",
                "The PostgreSQL server to pool for.",
                Change::NewConnections,
                required,
                length(1, 253),
                patterns::host
            ),
            field(&S::port, "port", "Its port.", Change::NewConnections, range(1, 65'535)),
            field(&S::tls, "tls", "TLS towards the database."),
            field(
                &S::monitor,
                "monitor",
                "The role that asks the database for its facts. Without it reports have none.",
                Change::Live
            ),
        };
    }
    bool operator==(const ProxyDatabase&) const = default;
};
static_assert(complete<ProxyDatabase>());

struct ProxyClientTls {
    ClientTlsMode mode = ClientTlsMode::Allow;
    std::string cert_file;
    std::string key_file;

    static constexpr auto fields() {
        using S = ProxyClientTls;
        return std::tuple{
            field(&S::mode, "mode", "Use of TLS towards clients.", Change::NewConnections),
            field(
                &S::cert_file,
                "certFile",
                "Certificate chain in PEM form.",
                Change::NewConnections,
                required,
                length(1, 4'096)
            ),
            field(
                &S::key_file,
                "keyFile",
                "Private key in PEM form.",
                Change::NewConnections,
                required,
                length(1, 4'096)
            ),
        };
    }
    bool operator==(const ProxyClientTls&) const = default;
};
static_assert(complete<ProxyClientTls>());

struct ProxyClients {
    Authentication authentication = Authentication::ScramSha256;
    std::optional<std::string> users_file;
    std::optional<std::string> mock_secret_file;
    std::optional<ProxyClientTls> tls;

    static constexpr auto fields() {
        using S = ProxyClients;
        return std::tuple{
            field(
                &S::authentication,
                "authentication",
                "How clients prove who they are.",
                Change::NewConnections
            ),
            field(
                &S::users_file,
                "usersFile",
                "Users and passwords in PgBouncer's userlist.txt form, for clients that log in and "
                "for logging "
                "in at the database.",
                Change::Live,
                length(1, 4'096)
            ),
            field(
                &S::mock_secret_file,
                "mockSecretFile",
                "File with 16 random bytes or more that all proxies of the pool share. From them "
                "is "
                "made what a client is shown whose user has no stored verifier, so that which "
                "users "
                "exist cannot be learnt by asking several proxies. Without it the file of the TLS "
                "key serves, then poolUid, else each proxy draws its own.",
                Change::Live,
                length(1, 4'096)
            ),
            field(
                &S::tls,
                "tls",
                "TLS towards clients. Without it they are served in plain text.",
                Change::NewConnections
            ),
        };
    }
    static auto rules() {
        return std::array{Rule<ProxyClients>{
            [](const ProxyClients& self) {
                return self.authentication == Authentication::Trust || self.users_file;
            },
            "self.authentication == 'Trust' || has(self.usersFile)",
            "usersFile",
            "must be set unless authentication is Trust",
            R"({"authentication": "MD5", "usersFile": "/etc/penstock/userlist.txt"})",
            R"({"authentication": "ScramSha256"})",
        }};
    }
    bool operator==(const ProxyClients&) const = default;
};
static_assert(complete<ProxyClients>());

enum class LogFormat : std::uint8_t { Text, Json };
constexpr auto enumerators(LogFormat) {
    return std::array{Enumerator{LogFormat::Text, "Text"}, Enumerator{LogFormat::Json, "Json"}};
}

enum class LogLevel : std::uint8_t { Debug, Info, Warning, Error };
constexpr auto enumerators(LogLevel) {
    return std::array{
        Enumerator{LogLevel::Debug, "Debug"},
        Enumerator{LogLevel::Info, "Info"},
        Enumerator{LogLevel::Warning, "Warning"},
        Enumerator{LogLevel::Error, "Error"},
    };
}

struct DataplaneConfig {
    std::string pool = "default/pool";
    std::string pool_uid;
    std::string proxy_id;  // empty: made at start
    std::int64_t generation = 0;
    ProxyListen listen;
    AdminListen admin;
    std::int32_t server_connections = 20;
    ProxyDatabase database;
    ProxyClients clients;
    PoolMode pool_mode = PoolMode::Transaction;
    std::int32_t workers = 0;
    Limits limits;
    Timeouts timeouts;
    Drain drain;
    std::optional<Queue> queue;
    LogFormat log_format = LogFormat::Text;
    LogLevel log_level = LogLevel::Info;

    static constexpr auto fields() {
        using S = DataplaneConfig;
        return std::tuple{
            field(
                &S::pool,
                "pool",
                "Namespace and name of the pool that this proxy belongs to.",
                Change::Restart,
                length(3, 127),
                patterns::namespaced_name
            ),
            field(
                &S::pool_uid,
                "poolUid",
                "UID of the pool, written by the operator. Clients cannot guess it, and all "
                "proxies "
                "of the pool have it: see clients.mockSecretFile.",
                Change::Live,
                length(0, 64)
            ),
            field(
                &S::proxy_id,
                "proxyId",
                "Name of this proxy; made at its start if empty.",
                Change::Restart,
                length(0, 48)
            ),
            field(
                &S::generation,
                "generation",
                "Generation of the ConnectionPool that this was made from.",
                Change::Live,
                range(0, INT64_MAX)
            ),
            field(&S::listen, "listen", "Where clients connect to."),
            field(&S::admin, "admin", "Metrics, health and grants."),
            field(
                &S::server_connections,
                "serverConnections",
                "Server connections, at most, until the operator grants another number.",
                Change::Live,
                range(1, 65'535)
            ),
            field(&S::database, "database", "The PostgreSQL server and how to reach it.", required),
            field(&S::clients, "clients", "Who may connect and how.", required),
            field(
                &S::pool_mode,
                "poolMode",
                "When a server connection goes back to the pool: at the end of each transaction, "
                "or when the "
                "client leaves.",
                Change::NewConnections
            ),
            field(
                &S::workers,
                "workers",
                "Threads; 0 makes one for each CPU that the process may use.",
                Change::Restart,
                range(0, 64)
            ),
            field(&S::limits, "limits", "Limits."),
            field(&S::timeouts, "timeouts", "Timeouts."),
            field(&S::drain, "drain", "How the proxy stops."),
            field(
                &S::queue,
                "queue",
                "Bounds of the line of waiting transactions when no grant sets them. Without it "
                "only "
                "timeouts.queryWaitSeconds bounds it.",
                Change::Live
            ),
            field(&S::log_format, "logFormat", "Form of log lines.", Change::Restart),
            field(
                &S::log_level, "logLevel", "Least grave log lines that are written.", Change::Live
            ),
        };
    }
    bool operator==(const DataplaneConfig&) const = default;
};
static_assert(complete<DataplaneConfig>());

}  // namespace penstock::api
