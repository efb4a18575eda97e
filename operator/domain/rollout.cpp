#include "operator/domain/rollout.hpp"

#include <algorithm>

namespace penstock::domain {

RolloutStep next_step(const Workload& workload, const std::vector<Proxy>& proxies) {
    std::vector<const Proxy*> current;
    std::vector<const Proxy*> outdated;
    std::int32_t ready = 0;
    for (const Proxy& proxy : proxies) {
        if (proxy.pool != workload.pool) continue;
        if (proxy.phase == ProxyPhase::Gone || proxy.phase == ProxyPhase::Draining) continue;
        if (proxy.restart_hash == workload.restart_hash) {
            current.push_back(&proxy);
            if (proxy.ready) ++ready;
        } else {
            outdated.push_back(&proxy);
        }
    }
    // Who serves nobody leaves first; then the oldest, so that a failed newer one is not preferred.
    const auto first_to_leave = [](const Proxy* a, const Proxy* b) {
        if (a->ready != b->ready) return b->ready;
        return a->started != b->started ? a->started < b->started : a->id < b->id;
    };
    std::sort(current.begin(), current.end(), first_to_leave);
    std::sort(outdated.begin(), outdated.end(), first_to_leave);
    const auto count = [](const auto& list) { return static_cast<std::int32_t>(list.size()); };

    RolloutStep step;
    for (std::int32_t i = 0; i < count(current) - workload.replicas; ++i)
        step.drain.push_back(current[static_cast<std::size_t>(i)]->id);
    const std::int32_t kept = std::min(count(current), workload.replicas);
    const std::int32_t missing = workload.replicas - kept;

    // An old one leaves when a new one is ready for it. Without a surge it makes room first: one at
    // a time, while everybody else is ready.
    std::int32_t leaving =
        std::max(0, count(outdated) - (workload.replicas - std::min(ready, kept)));
    if (workload.surge == 0 && missing > 0 && leaving == 0 && ready == kept &&
        kept + count(outdated) >= workload.replicas)
        leaving = std::min(1, count(outdated));
    leaving = std::min(leaving, count(outdated));
    for (std::int32_t i = 0; i < leaving; ++i)
        step.drain.push_back(outdated[static_cast<std::size_t>(i)]->id);

    const std::int32_t most = workload.replicas + workload.surge;
    const std::int32_t room = std::max(0, most - kept - (count(outdated) - leaving));
    step.start = std::min({missing, room, workload.starts_allowed});
    step.done = missing == 0 && outdated.empty() && step.drain.empty();
    return step;
}

}  // namespace penstock::domain
