// What the operator and a proxy say to each other over the proxy's admin port
// (docs/architecture.md, "Grants"): the operator PUTs a Grant to /v1/grant and reads a Report as
// the answer; GET /v1/report reads it alone. A grant does not expire. A proxy refuses a grant whose
// (epoch, sequence) is not above the last one it took.
#pragma once

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

    bool operator==(const Throttle&) const = default;
};

struct Grant {
    std::uint64_t epoch = 0;              // of the operator: a new leader has a higher one
    std::uint64_t sequence = 0;           // counts up within an epoch
    std::int32_t server_connections = 0;  // server connections this proxy may have open, at most
    std::optional<Throttle> throttle;     // absent: no policy is attached

    bool operator==(const Grant&) const = default;
};

// Cumulative since the proxy's start; the operator takes differences. Times are microseconds.
struct Totals {
    std::uint64_t transactions_offered = 0;  // asked for: served, refused or still waiting
    std::uint64_t transactions = 0;          // ended
    std::uint64_t transactions_refused = 0;  // ERROR 53300, whatever the reason
    std::uint64_t would_refuse = 0;          // in Observe: what Enforce would have refused
    std::uint64_t queries = 0;
    std::uint64_t hold_us = 0;  // time that servers were held by clients
    std::uint64_t wait_us = 0;  // time that transactions waited for a server
    std::uint64_t database_refusals =
        0;  // 53300 from the database when a server connection was opened
    std::uint64_t server_logins = 0;
    std::uint64_t client_logins = 0;
    std::uint64_t bytes_from_clients = 0;
    std::uint64_t bytes_from_servers = 0;

    bool operator==(const Totals&) const = default;
};

// A latency histogram: counts[i] holds values up to bucket_bounds_us()[i], the last one everything
// above.
struct Histogram {
    std::vector<std::uint64_t> counts;  // cumulative since start, not cumulative over buckets
    std::uint64_t sum_us = 0;

    bool operator==(const Histogram&) const = default;
};

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

    bool operator==(const DatabaseFacts&) const = default;
};

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
    std::string
        server_error;  // the last fault in opening a server connection; empty once one succeeded

    std::int32_t servers() const {
        return servers_opening + servers_idle + servers_busy + servers_closing;
    }
    bool operator==(const Report&) const = default;
};

// application_name of a proxy's server connections begins with this; "penstock/" + proxy_id.
// The database counts them by it (DatabaseFacts::seen).
inline std::string proxy_tag(const std::string& proxy_id) { return "penstock/" + proxy_id; }

}  // namespace penstock::api
