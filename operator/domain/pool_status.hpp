// Status and conditions of a ConnectionPool from what is observed and planned.
#pragma once

#include "operator/domain/fleet_view.hpp"
#include "operator/domain/plan.hpp"

#include <cstddef>

namespace penstock::domain {

// What the status of one pool is made from; references live during the call.
struct PoolStatusInput {
    const Observed& observed;
    const Memory& memory;
    const DatabaseView& database;
    std::size_t index;  // of the pool in the database
    const Workload& workload;
    const Now& now;
};

// Requires: the pool's resource is there. Numbers move in steps (quantise.hpp), so that a steady
// fleet gives the status that is written already.
api::ConnectionPoolStatus pool_status(const PoolStatusInput& input);

// Whether a status that differs is worth a write now: what a person or a tool waits for at once,
// what merely breathes every few seconds.
bool is_urgent(const api::ConnectionPoolStatus& before, const api::ConnectionPoolStatus& after);

}  // namespace penstock::domain
