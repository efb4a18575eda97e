// Status of a ConnectionPool: what the operator found and decided. Everything in it can be lost and
// is found again.
#pragma once

#include "crds/api/object.hpp"

namespace penstock::api {

enum class DatabaseRole : std::uint8_t { Primary, Standby };
constexpr auto enumerators(DatabaseRole) {
    return std::array{
        Enumerator{DatabaseRole::Primary, "Primary"},
        Enumerator{DatabaseRole::Standby, "Standby"},
    };
}

struct DatabaseStatus {
    std::string system_identifier;
    DatabaseRole role = DatabaseRole::Primary;
    std::string server_version;  // "15.2"
    std::int32_t max_connections = 0;
    std::int32_t reserved_connections = 0;
    std::int32_t other_connections = 0;

    static constexpr auto fields() {
        using S = DatabaseStatus;
        return std::tuple{
            field(
                &S::system_identifier,
                "systemIdentifier",
                "PostgreSQL's own identifier. Pools with the same one share a budget.",
                length(0, 32)
            ),
            field(&S::role, "role", "Whether the server accepts writes or replays another's."),
            field(&S::server_version, "serverVersion", "Version of the server.", length(0, 32)),
            field(
                &S::max_connections,
                "maxConnections",
                "The server's max_connections.",
                range(0, 262'143)
            ),
            field(
                &S::reserved_connections,
                "reservedConnections",
                "Connections that the server keeps for superusers and reserved roles.",
                range(0, 262'143)
            ),
            field(
                &S::other_connections,
                "otherConnections",
                "Connections of others than proxies.",
                range(0, 262'143)
            ),
        };
    }
    bool operator==(const DatabaseStatus&) const = default;
};
static_assert(complete<DatabaseStatus>());

struct BudgetStatus {
    std::int32_t ceiling = 0;
    std::int32_t reserve = 0;
    std::int32_t granted = 0;
    std::int32_t in_use = 0;

    static constexpr auto fields() {
        using S = BudgetStatus;
        return std::tuple{
            field(
                &S::ceiling,
                "ceiling",
                "Server connections that the pool may have, at most.",
                range(0, 262'143)
            ),
            field(
                &S::reserve,
                "reserve",
                "Part of the database's budget kept for proxies that start.",
                range(0, 262'143)
            ),
            field(
                &S::granted, "granted", "Server connections granted to proxies.", range(0, 262'143)
            ),
            field(
                &S::in_use, "inUse", "Server connections that proxies have open.", range(0, 262'143)
            ),
        };
    }
    bool operator==(const BudgetStatus&) const = default;
};
static_assert(complete<BudgetStatus>());

struct SizingStatus {
    std::int32_t desired = 0;
    std::int64_t demand_hundredths = 0;
    std::string limited_by;
    std::optional<std::string> last_resize_time;
    std::string last_resize_reason;

    static constexpr auto fields() {
        using S = SizingStatus;
        return std::tuple{
            field(
                &S::desired,
                "desired",
                "Server connections that the pool should have.",
                range(0, 262'143)
            ),
            field(
                &S::demand_hundredths,
                "demandHundredths",
                "Measured demand: transactions offered per second times the seconds each holds a "
                "server "
                "connection, in hundredths of a connection.",
                range(0, 100'000'000)
            ),
            field(
                &S::limited_by,
                "limitedBy",
                "What keeps the desired size from being larger.",
                length(0, 64)
            ),
            field(
                &S::last_resize_time,
                "lastResizeTime",
                "When the size last changed.",
                length(1, 64),
                format("date-time")
            ),
            field(&S::last_resize_reason, "lastResizeReason", "Why it changed.", length(0, 1'024)),
        };
    }
    bool operator==(const SizingStatus&) const = default;
};
static_assert(complete<SizingStatus>());

struct LatencyStatus {
    std::int32_t queue_wait_p99_milliseconds = 0;
    std::int32_t query_p99_milliseconds = 0;
    std::int32_t transaction_p99_milliseconds = 0;

    static constexpr auto fields() {
        using S = LatencyStatus;
        return std::tuple{
            field(
                &S::queue_wait_p99_milliseconds,
                "queueWaitP99Milliseconds",
                "Of 100 transactions 99 waited no longer for a server connection.",
                range(0, 86'400'000)
            ),
            field(
                &S::query_p99_milliseconds,
                "queryP99Milliseconds",
                "Of 100 requests 99 took no longer.",
                range(0, 86'400'000)
            ),
            field(
                &S::transaction_p99_milliseconds,
                "transactionP99Milliseconds",
                "Of 100 transactions 99 held their server connection no longer.",
                range(0, 86'400'000)
            ),
        };
    }
    bool operator==(const LatencyStatus&) const = default;
};
static_assert(complete<LatencyStatus>());

enum class ThrottleState : std::uint8_t {
    Open,      // nothing is held back
    Limiting,  // the limit is below what the pool was granted
    Shedding,  // transactions are refused
};
constexpr auto enumerators(ThrottleState) {
    return std::array{
        Enumerator{ThrottleState::Open, "Open"},
        Enumerator{ThrottleState::Limiting, "Limiting"},
        Enumerator{ThrottleState::Shedding, "Shedding"},
    };
}

struct ThrottleStatus {
    std::string policy;
    std::int32_t concurrency_limit = 0;
    ThrottleState state = ThrottleState::Open;

    static constexpr auto fields() {
        using S = ThrottleStatus;
        return std::tuple{
            field(
                &S::policy, "policy", "Name of the Backpressure policy in force.", length(0, 253)
            ),
            field(
                &S::concurrency_limit,
                "concurrencyLimit",
                "Transactions of all proxies together that may run at once; 0 sets no limit.",
                range(0, 262'143)
            ),
            field(&S::state, "state", "What the policy does."),
        };
    }
    bool operator==(const ThrottleStatus&) const = default;
};
static_assert(complete<ThrottleStatus>());

struct ProxyStatus {
    std::string name;
    std::string state;
    std::int32_t granted = 0;
    std::int32_t servers = 0;
    std::int32_t clients = 0;
    std::int32_t waiting = 0;

    static constexpr auto fields() {
        using S = ProxyStatus;
        return std::tuple{
            field(&S::name, "name", "The proxy's name.", required, length(1, 253)),
            field(&S::state, "state", "Where it is in its life.", length(0, 64)),
            field(&S::granted, "granted", "Server connections granted to it.", range(0, 262'143)),
            field(&S::servers, "servers", "Server connections that it has.", range(0, 262'143)),
            field(&S::clients, "clients", "Clients connected to it.", range(0, 1'000'000)),
            field(
                &S::waiting,
                "waiting",
                "Clients that wait for a server connection.",
                range(0, 1'000'000)
            ),
        };
    }
    bool operator==(const ProxyStatus&) const = default;
};
static_assert(complete<ProxyStatus>());

struct ConnectionPoolStatus {
    std::int64_t observed_generation = -1;  // -1: the operator has not seen the resource yet
    std::vector<Condition> conditions;
    std::int32_t replicas = 0;
    std::int32_t ready_replicas = 0;
    std::int32_t updated_replicas = 0;
    std::int32_t terminating_replicas = 0;
    std::string selector;
    std::int64_t epoch = 0;
    std::string limited_by;
    std::optional<DatabaseStatus> database;
    std::optional<BudgetStatus> budget;
    std::optional<SizingStatus> sizing;
    std::optional<LatencyStatus> latency;
    std::optional<ThrottleStatus> throttle;
    std::vector<ProxyStatus> proxies;

    static constexpr auto fields() {
        using S = ConnectionPoolStatus;
        return std::tuple{
            field(
                &S::observed_generation,
                "observedGeneration",
                "Generation of the spec that this status speaks of; -1 before the operator has "
                "seen any.",
                range(-1, INT64_MAX)
            ),
            field(
                &S::conditions,
                "conditions",
                "What is so and what is not, with reasons.",
                items(0, 32),
                map_by("type")
            ),
            field(&S::replicas, "replicas", "Proxies that exist.", range(0, 10'000)),
            field(
                &S::ready_replicas, "readyReplicas", "Proxies that serve clients.", range(0, 10'000)
            ),
            field(
                &S::updated_replicas,
                "updatedReplicas",
                "Proxies that run this generation of the spec.",
                range(0, 10'000)
            ),
            field(
                &S::terminating_replicas,
                "terminatingReplicas",
                "Proxies that stop.",
                range(0, 10'000)
            ),
            field(
                &S::selector,
                "selector",
                "Label selector of the proxies, for autoscalers.",
                length(0, 1'024)
            ),
            field(
                &S::epoch,
                "epoch",
                "Counts the operator's terms in office; grants of older ones are refused.",
                range(0, INT64_MAX)
            ),
            field(
                &S::limited_by,
                "limitedBy",
                "What keeps the pool from being larger, in one word.",
                length(0, 64)
            ),
            field(&S::database, "database", "What the database says about itself."),
            field(&S::budget, "budget", "Connections: allowed, granted, used."),
            field(&S::sizing, "sizing", "How the size was found."),
            field(&S::latency, "latency", "Measured latencies, rounded."),
            field(&S::throttle, "throttle", "What an attached Backpressure policy does."),
            field(
                &S::proxies, "proxies", "The proxies, one by one.", items(0, 256), map_by("name")
            ),
        };
    }
    bool operator==(const ConnectionPoolStatus&) const = default;
};
static_assert(complete<ConnectionPoolStatus>());

}  // namespace penstock::api
