// Which bound keeps a pool from having more server connections.
#pragma once

#include "operator/domain/fleet_view.hpp"

namespace penstock::domain {

// Requires: set_targets() and settle() were called on database.line. `index`: of the pool.
LimitedBy limited_by(const DatabaseView& database, std::size_t index);

}  // namespace penstock::domain
