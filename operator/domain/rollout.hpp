// In which steps the processes of one pool become what its workload says. For engines that start
// processes themselves; in Kubernetes the Deployment does it.
#pragma once

#include "operator/domain/observed.hpp"
#include "operator/domain/plan.hpp"

#include <string>
#include <vector>

namespace penstock::domain {

struct RolloutStep {
    std::int32_t start = 0;          // processes to start now, with the workload's restart_hash
    std::vector<std::string> drain;  // proxy ids to send SIGTERM now
    bool done = false;               // what runs is what was asked for

    bool operator==(const RolloutStep&) const = default;
};

// `proxies` may hold other pools' proxies too. Repeating the same call without a change asks for
// the same again, so the engine calls it after each change with what is then true (a started
// process is in `proxies` at once).
RolloutStep next_step(const Workload& workload, const std::vector<Proxy>& proxies);

}  // namespace penstock::domain
