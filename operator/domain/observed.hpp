// Everything the control core looks at, as one value: resources as last read, processes as last
// seen, reports as last received. An engine (operator/reconcile/engine.hpp) fills it; make_plan()
// reads it. Nothing here is remembered between rounds.
#pragma once

#include "crds/api/backpressure.hpp"
#include "crds/api/connection_pool.hpp"
#include "crds/api/grant.hpp"
#include "crds/api/result.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace penstock::domain {

// Monotonic; only differences mean anything, and only within one run of the operator.
using Time = std::chrono::steady_clock::time_point;

struct Now {
    Time time;
    std::string wall;  // RFC 3339, UTC, whole seconds: "2024-05-01T12:00:00Z"; for
                       // lastTransitionTime and events
};

// metadata of a resource, as much of it as is decided upon.
struct Metadata {
    std::string name_space;  // "default" in local mode unless the manifest says otherwise
    std::string name;
    std::string uid;                 // unique for the life of the resource
    std::int64_t generation = 1;     // counts up with each change of spec
    std::string creation_timestamp;  // RFC 3339; older policies win
    std::map<std::string, std::string> labels;
    bool deleting = false;  // deletionTimestamp is set (Kubernetes); in local mode a deleted
                            // manifest is simply absent

    std::string key() const { return name_space + "/" + name; }
};

template <class Spec>
struct Resource {
    Metadata metadata;
    Spec spec;  // the last one without faults
    std::vector<api::Error>
        faults;  // why a newer text is not in force (local mode; Kubernetes refuses such a text)
    nlohmann::ordered_json status;  // as last written; null when there is none
};

using PoolResource = Resource<api::ConnectionPoolSpec>;
using PolicyResource = Resource<api::BackpressureSpec>;

enum class ProxyPhase : std::uint8_t {
    Starting,  // started, has not answered yet
    Running,   // has answered; takes clients
    Draining,  // told to end (SIGTERM); takes no new clients
    Gone,      // the process does not exist any more
};

// One process of penstock-proxy, from its start until make_plan() says that it may be forgotten
// (Plan::forget). After a restart of the operator the engine lists again whatever still runs; what
// ended meanwhile need not be listed (the database's own count covers it).
struct Proxy {
    std::string id;    // unique per process start; as in api::Report::proxy_id
    std::string pool;  // Metadata::key() of its pool, which may be gone
    ProxyPhase phase = ProxyPhase::Starting;
    std::string restart_hash;  // Workload::restart_hash that it was started with
    bool ready = false;        // /readyz says yes
    Time started{};
    Time ended{};  // when phase became Gone: not before the process really ended
    std::optional<api::Report> report;  // the newest
    Time reported{};  // when the request was sent that `report` answers: it is not older than that
    std::string
        fault;  // why the last exchange failed or why the process ended; empty when all is well
};

struct Observed {
    std::vector<PoolResource> pools;
    std::vector<PolicyResource> policies;
    std::vector<Proxy> proxies;  // of all pools, also of deleted ones
    std::map<std::string, std::string>
        workload_faults;  // by pool key: why the last apply did not succeed
};

}  // namespace penstock::domain
