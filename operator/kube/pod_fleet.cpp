#include "operator/kube/pod_fleet.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace penstock::kube {

using domain::ProxyPhase;

PodFleet::PodFleet(ProxySurroundings surroundings) : surroundings_(std::move(surroundings)) {}

void PodFleet::see(const std::vector<objects::PodFacts>& pods) {
    std::set<std::string> present;
    for (const objects::PodFacts& pod : pods) {
        present.insert(pod.uid);
        std::unique_ptr<PodProxy>& proxy = by_pod_[pod.uid];
        if (proxy) proxy->see(pod);
        if (proxy && proxy->seen().phase == ProxyPhase::Gone && !pod.ended) {
            // The next container of the same Pod.
            auto next = std::make_unique<PodProxy>(surroundings_, pod, false, proxy->container());
            if (proxy->has_reported()) gone_.push_back(std::move(proxy));
            proxy = std::move(next);
        }
        if (!proxy) {
            const bool inherited = !has_begun_ && !pod.container_id.empty();
            proxy = std::make_unique<PodProxy>(surroundings_, pod, inherited);
        }
    }
    for (auto at = by_pod_.begin(); at != by_pod_.end();) {
        if (present.contains(at->first)) {
            ++at;
            continue;
        }
        at->second->see_no_pod();
        // One that never reported has a name that the database does not know: it just disappears.
        if (at->second->has_reported()) gone_.push_back(std::move(at->second));
        at = by_pod_.erase(at);
    }
    has_begun_ = true;
}

bool PodFleet::has_ends_to_see() const {
    return std::any_of(by_pod_.begin(), by_pod_.end(), [](const auto& entry) {
        return entry.second->seen().phase == ProxyPhase::Gone && !entry.second->pod().ended;
    });
}

std::vector<domain::Proxy> PodFleet::proxies() const {
    std::vector<domain::Proxy> seen;
    for (const auto& [uid, proxy] : by_pod_) {
        const bool is_nobody = proxy->seen().phase == ProxyPhase::Gone && !proxy->has_reported();
        if (!is_nobody) seen.push_back(proxy->seen());
    }
    for (const auto& proxy : gone_) seen.push_back(proxy->seen());
    return seen;
}

void PodFleet::push(const domain::GrantPush& push) {
    for (const auto& [uid, proxy] : by_pod_)
        if (proxy->seen().id == push.proxy_id) proxy->push(push.grant);
}

void PodFleet::forget(const std::string& proxy_id) {
    std::erase_if(gone_, [&](const auto& proxy) { return proxy->seen().id == proxy_id; });
    // A Pod that has ended and still exists: it is nobody from now on.
    for (auto& [uid, proxy] : by_pod_)
        if (proxy->seen().id == proxy_id && proxy->seen().phase == ProxyPhase::Gone)
            proxy =
                std::make_unique<PodProxy>(surroundings_, proxy->pod(), false, proxy->container());
}

void PodFleet::exchange() {
    for (const auto& [uid, proxy] : by_pod_) proxy->exchange();
}

std::int32_t PodFleet::living(const std::string& pool) const {
    return static_cast<std::int32_t>(std::count_if(
        by_pod_.begin(),
        by_pod_.end(),
        [&](const auto& entry) {
            const objects::PodFacts& pod = entry.second->pod();
            return pod.pool == pool && !pod.terminating && !pod.ended;
        }
    ));
}

std::vector<const PodProxy*> PodFleet::of(const std::string& pool) const {
    std::vector<const PodProxy*> found;
    for (const auto& [uid, proxy] : by_pod_)
        if (proxy->seen().pool == pool && proxy->seen().phase != ProxyPhase::Gone)
            found.push_back(proxy.get());
    return found;
}

void PodFleet::exchange_starting() {
    for (const auto& [uid, proxy] : by_pod_)
        if (proxy->pod().running && !proxy->has_reported()) proxy->exchange();
}

}  // namespace penstock::kube
