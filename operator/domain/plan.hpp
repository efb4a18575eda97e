// What shall be done, as one value: make_plan() turns Observed into it, an engine carries it out.
// All pools are planned together because they can share a database.
#pragma once

#include "crds/api/backpressure.hpp"
#include "crds/api/connection_pool_status.hpp"
#include "crds/api/dataplane_config.hpp"
#include "crds/api/grant.hpp"
#include "operator/domain/observed.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace penstock::domain {

// The proxies of one pool as they shall be. Kubernetes: a Deployment, a ConfigMap, a Service. Here:
// child processes. The engine compares it with what runs; applying the same workload again changes
// nothing.
struct Workload {
    std::string pool;       // key()
    std::string owner_uid;  // of the pool
    std::int32_t replicas = 0;
    // The engine adds what differs per process: proxy_id, listen.address, admin and
    // the log's form. A change is reloaded without a restart.
    api::DataplaneConfig config;
    // Differs: the process must be replaced (rollout.hpp says in which steps).
    std::string restart_hash;
    // Processes above `replicas` during a replacement; 0: an old one drains first.
    std::int32_t surge = 1;
    // Processes that may be started now: each takes its floor from the reserve.
    std::int32_t starts_allowed = 0;

    bool operator==(const Workload&) const = default;
};

struct GrantPush {
    std::string proxy_id;
    api::Grant grant;

    bool operator==(const GrantPush&) const = default;
};

struct PoolStatusWrite {
    std::string pool;
    api::ConnectionPoolStatus status;

    bool operator==(const PoolStatusWrite&) const = default;
};

struct PolicyStatusWrite {
    std::string policy;
    api::BackpressureStatus status;

    bool operator==(const PolicyStatusWrite&) const = default;
};

enum class Kind : std::uint8_t { ConnectionPool, Backpressure };

enum class EventType : std::uint8_t { Normal, Warning };

struct Event {
    Kind kind = Kind::ConnectionPool;
    std::string key;
    EventType type = EventType::Normal;
    std::string action;  // "Resize"
    std::string reason;  // "PoolResized"
    std::string note;

    bool operator==(const Event&) const = default;
};

struct Plan {
    std::vector<Workload> workloads;    // one per pool that exists
    std::vector<std::string> removals;  // pools that are gone: drain and delete their workload
    std::vector<GrantPush> grants;      // push once each; an answer arrives as a newer report
    std::vector<PoolStatusWrite> pool_statuses;  // only what differs from the status observed
    std::vector<PolicyStatusWrite> policy_statuses;
    std::vector<Event> events;  // on change only
    // Proxies Gone whose connections the database no longer shows.
    std::vector<std::string> forget;
    // At the latest; earlier when a report or a manifest arrives.
    std::chrono::milliseconds look_again{1000};

    bool operator==(const Plan&) const = default;
};

struct Memory;

// What to do now. Pure: the same arguments give the same plan. Memory is brought up to date.
Plan make_plan(const Observed& observed, Memory& memory, const Now& now);

}  // namespace penstock::domain
