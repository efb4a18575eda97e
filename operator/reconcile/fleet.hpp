// One round of the operator: observe, plan, apply. All pools and policies in one round, because
// pools can share a database and a policy acts through its pools' grants. Owned by the deciding
// thread; it never blocks.
#pragma once

#include "operator/domain/memory.hpp"
#include "operator/domain/plan.hpp"
#include "operator/reconcile/engine.hpp"

namespace penstock::reconcile {

// Runs one round and returns the plan that was carried out: the caller waits for an event, at most
// Plan::look_again, and runs the next.
// Order: reductions are pushed by make_plan() before growth; status last, so that it never tells of
// what was not tried.
template <Engine E>
domain::Plan reconcile(E& engine, domain::Memory& memory, const domain::Now& now) {
    domain::Plan plan = domain::make_plan(engine.observe(), memory, now);
    for (const auto& proxy_id : plan.forget) engine.forget(proxy_id);
    for (const auto& pool : plan.removals) engine.remove(pool);
    for (const auto& workload : plan.workloads) engine.apply(workload);
    for (const auto& push : plan.grants) engine.push(push);
    for (const auto& event : plan.events) engine.record(event);
    for (const auto& status : plan.pool_statuses) engine.write(status);
    for (const auto& status : plan.policy_statuses) engine.write(status);
    return plan;
}

}  // namespace penstock::reconcile
