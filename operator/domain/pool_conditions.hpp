// Conditions of a ConnectionPool (docs/reference.md): which hold, why, and what to do about it.
#pragma once

#include "operator/domain/pool_status.hpp"

#include <vector>

namespace penstock::domain {

std::vector<api::Condition> pool_conditions(
    const PoolStatusInput& input, const api::ConnectionPoolStatus& status
);

}  // namespace penstock::domain
