// What a reconciler asks of the world: Kubernetes or this host. The engine does the IO; it decides
// nothing. All calls come from the one deciding thread and return at once: what takes time goes on
// behind them and its outcome is seen in a later observe() (Proxy::report, Proxy::fault,
// Observed::workload_faults).
#pragma once

#include "operator/domain/observed.hpp"
#include "operator/domain/plan.hpp"

#include <concepts>
#include <string>

namespace penstock::reconcile {

// observe()         everything as last seen.
// apply(workload)   make it so; idempotent; never starts more than `starts_allowed` processes.
// remove(pool)      drain its proxies, then delete what was applied; idempotent; they stay in
// observe() until forgotten. push(grant)       PUT /v1/grant at the proxy, once, without retry: the
// next plan pushes again what is not in force. write(status)     replaces the resource's status.
// record(event)     never fails.
// forget(proxy_id)  a Gone proxy leaves observe().
template <class E>
concept Engine = requires(
    E engine,
    const domain::Workload& workload,
    const domain::GrantPush& push,
    const domain::PoolStatusWrite& pool_status,
    const domain::PolicyStatusWrite& policy_status,
    const domain::Event& event,
    const std::string& name
) {
    { engine.observe() } -> std::convertible_to<domain::Observed>;
    engine.apply(workload);
    engine.remove(name);
    engine.push(push);
    engine.write(pool_status);
    engine.write(policy_status);
    engine.record(event);
    engine.forget(name);
};

}  // namespace penstock::reconcile
