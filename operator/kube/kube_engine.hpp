// A Kubernetes cluster as a world for the reconcilers (operator/reconcile/engine.hpp): resources
// are objects of the API, proxies are Pods. Owned by the deciding thread of a leader.
#pragma once

#include "operator/kube/cache.hpp"
#include "operator/kube/outbox.hpp"
#include "operator/kube/pod_fleet.hpp"
#include "operator/kube/resources.hpp"
#include "operator/kube/trust.hpp"
#include "operator/kube/workloads.hpp"

#include <functional>
#include <string>
#include <vector>

namespace penstock::kube {

class KubeEngine {
 public:
    struct Settings {
        std::vector<std::string> namespaces;  // none: the whole cluster
        objects::ObjectSettings objects;
        Trust::Settings trust;
        std::string reporter;  // this process, in events
    };

    KubeEngine(
        boost::asio::io_context& io,
        Transport& transport,
        Settings settings,
        std::function<void()> on_news
    );

    // Begins to list and watch.
    void begin();
    // All has been listed once and the keys are known: rounds may begin.
    bool ready() const { return cache_.synced() && trust_.ready(); }
    // Why it is not ready, or what it does not hear; empty when all is well.
    std::string fault() const;

    domain::Observed observe();
    void apply(const domain::Workload& workload);
    void remove(const std::string& pool) { workloads_.remove(pool); }
    void push(const domain::GrantPush& push) { fleet_.push(push); }
    void write(const domain::PoolStatusWrite& write) { resources_.write(write); }
    void write(const domain::PolicyStatusWrite& write) { resources_.write(write); }
    void record(const domain::Event& event) { resources_.record(event); }
    void forget(const std::string& proxy_id) { fleet_.forget(proxy_id); }

    PodFleet& fleet() { return fleet_; }
    const Cache& cache() const { return cache_; }
    const Outbox& outbox() const { return outbox_; }

 private:
    void see_pods();

    Cache cache_;
    Outbox outbox_;
    Trust trust_;
    PodFleet fleet_;
    Resources resources_;
    Workloads workloads_;
    std::vector<runtime::Snapshot> pods_;  // as the fleet saw them last
};

}  // namespace penstock::kube
