// What the operator and a proxy say to each other over the proxy's admin port
// (docs/architecture.md, "Grants"): the operator PUTs a Grant to /v1/grant and reads a Report as
// the answer; GET /v1/report reads it alone. Both travel as compact JSON (encode, decode with
// UnknownKeys::Ignore: versions of the two programs may differ). A grant does not expire. A proxy
// refuses a grant whose (epoch, sequence) is not above the last one it took.
#pragma once

#include "crds/api/field.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace penstock::api {

// Thresholds of a Backpressure policy as the operator has worked them out for this proxy.
struct Throttle {
    bool enforced = false;  // false: compute and report refusals, refuse nothing (Observe)
    std::int32_t concurrency_max = 0;    // transactions at once, at most; 0: no limit but the grant
    std::int32_t queue_length_max = 0;   // waiting transactions, at most; 0: no bound
    std::int32_t queue_wait_max_ms = 0;  // longest predicted wait that is still queued; 0: no bound

    static constexpr auto fields() {
        using S = Throttle;
        return std::tuple{
            entry(&S::enforced, "enforced"),
            entry(&S::concurrency_max, "concurrencyMax", range(0, INT32_MAX)),
            entry(&S::queue_length_max, "queueLengthMax", range(0, INT32_MAX)),
            entry(&S::queue_wait_max_ms, "queueWaitMaxMs", range(0, INT32_MAX)),
        };
    }
    bool operator==(const Throttle&) const = default;
};
static_assert(complete<Throttle>());

struct Grant {
    std::uint64_t epoch = 0;     // of the operator: a new leader has a higher one
    std::uint64_t sequence = 0;  // counts up within an epoch
    // Server connections this proxy may have open, at most. 0 keeps the number in force: so a new
    // leader puts an end to earlier leaders' grants without changing what the proxy may have, which
    // it cannot know for certain.
    std::int32_t server_connections = 0;
    std::optional<Throttle> throttle;  // absent: no policy is attached

    static constexpr auto fields() {
        using S = Grant;
        return std::tuple{
            entry(&S::epoch, "epoch"),
            entry(&S::sequence, "sequence"),
            entry(&S::server_connections, "serverConnections", range(0, INT32_MAX)),
            entry(&S::throttle, "throttle"),
        };
    }
    bool operator==(const Grant&) const = default;
};
static_assert(complete<Grant>());

// Cumulative since the proxy's start; the operator takes differences. Times are microseconds.
struct Totals {
    std::uint64_t transactions_offered = 0;  // asked for: served, refused or still waiting
    std::uint64_t transactions = 0;          // ended
    std::uint64_t transactions_refused = 0;  // ERROR 53300, whatever the reason
    std::uint64_t would_refuse = 0;          // in Observe: what Enforce would have refused
    std::uint64_t queries = 0;
    std::uint64_t hold_us = 0;            // time that servers were held by clients
    std::uint64_t wait_us = 0;            // time that transactions waited for a server
    std::uint64_t database_refusals = 0;  // 53300 from the database to a new server connection
    std::uint64_t server_logins = 0;
    std::uint64_t client_logins = 0;
    std::uint64_t bytes_from_clients = 0;
    std::uint64_t bytes_from_servers = 0;

    static constexpr auto fields() {
        using S = Totals;
        return std::tuple{
            entry(&S::transactions_offered, "transactionsOffered"),
            entry(&S::transactions, "transactions"),
            entry(&S::transactions_refused, "transactionsRefused"),
            entry(&S::would_refuse, "wouldRefuse"),
            entry(&S::queries, "queries"),
            entry(&S::hold_us, "holdUs"),
            entry(&S::wait_us, "waitUs"),
            entry(&S::database_refusals, "databaseRefusals"),
            entry(&S::server_logins, "serverLogins"),
            entry(&S::client_logins, "clientLogins"),
            entry(&S::bytes_from_clients, "bytesFromClients"),
            entry(&S::bytes_from_servers, "bytesFromServers"),
        };
    }
    bool operator==(const Totals&) const = default;
};
static_assert(complete<Totals>());

// A latency histogram: counts[i] holds values up to bucket_bounds_us()[i], the last one everything
// above.
struct Histogram {
    std::vector<std::uint64_t> counts;  // cumulative since start, not cumulative over buckets
    std::uint64_t sum_us = 0;

    static constexpr auto fields() {
        using S = Histogram;
        return std::tuple{
            entry(&S::counts, "counts"),
            entry(&S::sum_us, "sumUs"),
        };
    }
    bool operator==(const Histogram&) const = default;
};
static_assert(complete<Histogram>());

// What PostgreSQL itself says, asked by the proxy every second (dataplane/postgres).
struct DatabaseFacts {
    std::string system_identifier;    // pg_control_system(); two pools with the same share a budget
    bool in_recovery = false;         // a standby
    std::int32_t server_version = 0;  // 150020
    std::int32_t max_connections = 0;
    std::int32_t superuser_reserved_connections = 0;
    std::int32_t reserved_connections = 0;     // PostgreSQL 16 and newer, else 0
    std::map<std::string, std::int32_t> seen;  // client backends by proxy tag (proxy_tag)
    std::int32_t others = 0;                   // client backends with no proxy tag
    std::int64_t age_ms = 0;                   // how long ago this was true

    static constexpr auto fields() {
        using S = DatabaseFacts;
        return std::tuple{
            entry(&S::system_identifier, "systemIdentifier"),
            entry(&S::in_recovery, "inRecovery"),
            entry(&S::server_version, "serverVersion", range(0, INT32_MAX)),
            entry(&S::max_connections, "maxConnections", range(0, INT32_MAX)),
            entry(
                &S::superuser_reserved_connections,
                "superuserReservedConnections",
                range(0, INT32_MAX)
            ),
            entry(&S::reserved_connections, "reservedConnections", range(0, INT32_MAX)),
            entry(&S::seen, "seen"),
            entry(&S::others, "others", range(0, INT32_MAX)),
            entry(&S::age_ms, "ageMs", range(0, INT64_MAX)),
        };
    }
    bool operator==(const DatabaseFacts&) const = default;
};
static_assert(complete<DatabaseFacts>());

struct Report {
    std::string pool;         // namespace/name
    std::string proxy_id;     // unique per process start
    std::uint64_t epoch = 0;  // of the grant in force
    std::uint64_t sequence = 0;
    std::int32_t granted = 0;                // the grant in force (the floor before the first)
    std::int64_t config_generation = 0;      // of the configuration in force
    std::vector<std::string> config_errors;  // why a newer one is not in force
    bool draining = false;
    // Server connections by state. Their sum is what counts against the grant: a connection counts
    // from before it is opened until PostgreSQL has closed it.
    std::int32_t servers_opening = 0;
    std::int32_t servers_idle = 0;
    std::int32_t servers_busy = 0;
    std::int32_t servers_closing = 0;
    std::int32_t clients = 0;
    std::int32_t clients_waiting = 0;
    std::int64_t oldest_wait_ms = 0;
    Totals totals;
    Histogram wait;         // for a server, per transaction
    Histogram query;        // request sent to ReadyForQuery
    Histogram transaction;  // server taken to server given back
    Histogram login;        // client's first byte to its first ReadyForQuery
    std::optional<DatabaseFacts> facts;
    std::string facts_error;  // why there are none, or why they are stale: the last attempt's fault
    std::string server_error;  // last fault in opening a server; empty once one succeeded

    std::int32_t servers() const {
        return servers_opening + servers_idle + servers_busy + servers_closing;
    }

    static constexpr auto fields() {
        using S = Report;
        return std::tuple{
            entry(&S::pool, "pool"),
            entry(&S::proxy_id, "proxyId"),
            entry(&S::epoch, "epoch"),
            entry(&S::sequence, "sequence"),
            entry(&S::granted, "granted", range(0, INT32_MAX)),
            entry(&S::config_generation, "configGeneration", range(0, INT64_MAX)),
            entry(&S::config_errors, "configErrors"),
            entry(&S::draining, "draining"),
            entry(&S::servers_opening, "serversOpening", range(0, INT32_MAX)),
            entry(&S::servers_idle, "serversIdle", range(0, INT32_MAX)),
            entry(&S::servers_busy, "serversBusy", range(0, INT32_MAX)),
            entry(&S::servers_closing, "serversClosing", range(0, INT32_MAX)),
            entry(&S::clients, "clients", range(0, INT32_MAX)),
            entry(&S::clients_waiting, "clientsWaiting", range(0, INT32_MAX)),
            entry(&S::oldest_wait_ms, "oldestWaitMs", range(0, INT64_MAX)),
            entry(&S::totals, "totals"),
            entry(&S::wait, "wait"),
            entry(&S::query, "query"),
            entry(&S::transaction, "transaction"),
            entry(&S::login, "login"),
            entry(&S::facts, "facts"),
            entry(&S::facts_error, "factsError"),
            entry(&S::server_error, "serverError"),
        };
    }
    bool operator==(const Report&) const = default;
};
static_assert(complete<Report>());

// application_name of a proxy's server connections begins with this; "penstock/" + proxy_id.
// The database counts them by it (DatabaseFacts::seen).
inline std::string proxy_tag(const std::string& proxy_id) { return "penstock/" + proxy_id; }

}  // namespace penstock::api
