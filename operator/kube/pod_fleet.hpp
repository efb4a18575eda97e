// The proxies of all pools, as their Pods show them. Lives on the deciding thread.
#pragma once

#include "operator/kube/pod_proxy.hpp"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace penstock::kube {

class PodFleet {
 public:
    explicit PodFleet(ProxySurroundings surroundings);

    // All Pods there are. Those of the first call are inherited from earlier operators if their
    // container has started.
    void see(const std::vector<objects::PodFacts>& pods);
    bool has_seen() const { return has_begun_; }
    // A proxy has ended in a Pod that goes on: see() has something to do though no Pod has changed.
    bool has_ends_to_see() const;

    // As reconcile::Engine has them.
    std::vector<domain::Proxy> proxies() const;
    void push(const domain::GrantPush& push);
    void forget(const std::string& proxy_id);

    void exchange();
    // Pods of the pool that exist and are not told to end.
    std::int32_t living(const std::string& pool) const;
    // Of the pool, with proxies that have not ended.
    std::vector<const PodProxy*> of(const std::string& pool) const;
    // Asks only those that run and have not reported yet.
    void exchange_starting();

 private:
    ProxySurroundings surroundings_;
    bool has_begun_ = false;
    std::map<std::string, std::unique_ptr<PodProxy>> by_pod_;  // by uid
    std::vector<std::unique_ptr<PodProxy>> gone_;              // until forgotten
};

}  // namespace penstock::kube
