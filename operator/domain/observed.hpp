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

namespace penstock::domain {

// Monotonic; only differences mean anything, and only within one run of the operator.
using Time = std::chrono::steady_clock::time_point;

struct Now {
    Time time;
    // RFC 3339, UTC, whole seconds: "2024-05-01T12:00:00Z"; for lastTransitionTime and events.
    std::string wall;
};

// "namespace/name": how resources, workloads and reports name a pool.
inline std::string key(const api::Metadata& metadata) {
    return metadata.name_space + "/" + metadata.name;
}

enum class ProxyPhase : std::uint8_t {
    Starting,  // started, has not answered yet
    Running,   // has answered; takes clients
    Draining,  // told to end (SIGTERM); takes no new clients
    Gone,      // the process does not exist any more
};

// One process of penstock-proxy, from its start until make_plan() says that it may be forgotten
// (Plan::forget). One whose id is not known yet has any unique name until it reports; that name
// then just disappears, as does one that never reported: the database counts what it may have.
// After a restart of the operator the engine lists again whatever still runs; what ended meanwhile
// need not be listed (the database's own count covers it).
struct Proxy {
    std::string id;    // unique per process start; as in api::Report::proxy_id
    std::string pool;  // key() of its pool, which may be gone
    ProxyPhase phase = ProxyPhase::Starting;
    std::string restart_hash;  // Workload::restart_hash that it was started with
    bool ready = false;        // /readyz says yes
    // It may hold grants of an earlier operator: it was there before this one began.
    bool inherited = false;
    Time started{};
    Time ended{};  // when phase became Gone: not before the process really ended
    std::optional<api::Report> report;  // the newest
    Time reported{};  // when the request was sent that `report` answers: it is not older than that
    // Why the last exchange failed or why the process ended; empty when all is well.
    std::string fault;
};

struct Observed {
    // Metadata must have uid, generation (counting from 1) and creationTimestamp, also in local
    // mode; status is the one last written. A pool that was deleted is absent or has a
    // deletionTimestamp.
    std::vector<api::ConnectionPool> pools;
    std::vector<api::Backpressure> policies;
    std::vector<Proxy> proxies;  // of all pools, also of deleted ones
    // By key of the pool or policy: why its newest text is not in force (local mode; an API server
    // refuses such a text). The resource itself is then the last good one, if there was one.
    std::map<std::string, std::vector<api::Error>> pool_faults;
    std::map<std::string, std::vector<api::Error>> policy_faults;
    std::map<std::string, std::string>
        workload_faults;  // by pool key: why the last apply did not succeed
    // By pool key: what has the name of something that the pool needs and belongs to somebody else.
    std::map<std::string, std::string> ownership_conflicts;
    // By pool key: the Secrets or keys that it waits for, in words (local mode; the kubelet waits
    // for them elsewhere).
    std::map<std::string, std::string> missing_secrets;
    // Between two writes of a status in which only numbers have moved, at least.
    std::chrono::milliseconds status_period{5000};
    // Secrets are files: SECRETS_ROOT/NAMESPACE/SECRET/KEY.
    std::string secrets_root = "/etc/penstock/secrets";
    // Processes that end are replaced without asking (a Deployment does that): every replica's
    // floor may be needed a second time at once, and the reserve is made for it.
    bool replaced_untold = false;
    // Proxy::inherited is true for each that is; otherwise all that the first round shows are.
    bool inherited_is_told = false;
};

}  // namespace penstock::domain
