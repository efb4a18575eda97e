// Events: what became different between two statuses of a resource. None in a steady state.
#pragma once

#include "operator/domain/plan.hpp"

#include <string>
#include <vector>

namespace penstock::domain {

std::vector<Event> pool_events(
    const std::string& pool,
    const api::ConnectionPoolStatus& before,
    const api::ConnectionPoolStatus& after
);

std::vector<Event> policy_events(
    const std::string& policy,
    const api::BackpressureStatus& before,
    const api::BackpressureStatus& after
);

// A process that ended without being asked to.
Event proxy_ended(const Proxy& proxy);

}  // namespace penstock::domain
