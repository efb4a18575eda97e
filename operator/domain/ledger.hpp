// The ledger of one database (docs/architecture.md, "Budget"): at every instant
//   sum over proxies of max(granted, seen) + reserve <= B
// where proxies that have not grown above their floor may stand in the reserve.
// Two steps: targets() says who should have how much, settle() what may be granted now: reductions
// at once, growth only from what is free, and free is only what a report and the database both show
// as given back. Values; built anew each round.
#pragma once

#include "operator/domain/budget.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace penstock::domain {

struct ProxyLine {
    std::string id;
    std::int32_t charge = 0;    // the most connections it may have now (Account::charge)
    std::int32_t expected = 0;  // what it is to have by the last grant
    std::int32_t want = 0;      // for its own demand
    // Takes part in sharing. Otherwise what it is charged is simply not there for others: it is
    // silent, has not reported yet, drains or is gone.
    bool active = false;
    bool waiting = false;  // clients wait for a server now

    // Filled in. For lines that are not active `target` is given, not above `expected`.
    std::int32_t target = 0;
    std::optional<std::int32_t> grant;  // differs from `expected` and may be granted now
    bool on_reserve = false;            // its floor is not paid for by the budget yet
};

struct PoolLine {
    std::string key;
    std::int32_t ceiling = 0;
    std::int32_t reserve = 0;
    std::int32_t weight = 1;
    std::int32_t floor = 0;             // sizing.minServerConnections
    std::optional<std::int32_t> fixed;  // sizing.serverConnections: wanted whatever the demand
    std::optional<std::int32_t> most;   // sizing.maxServerConnections
    std::vector<ProxyLine> proxies;     // ascending by id

    // Filled in.
    std::int32_t asked = 0;  // by demand, floor or size
    std::int32_t share = 0;  // of it, what the budget and the other pools leave
    std::int32_t on_reserve = 0;
    std::int32_t free = 0;  // below zero: more is charged than the ceiling allows
};

struct DatabaseLine {
    std::int32_t budget = 0;  // B
    std::int32_t ghosts = 0;  // connections seen of proxies that nobody lists
    // Floors of proxies whose database is not known yet: it may be this one. They stand in the
    // reserve.
    std::int32_t strays = 0;
    bool may_grow = false;  // facts are fresh and every proxy is known
    std::vector<PoolLine> pools;

    std::int32_t reserve() const;
    std::int32_t charged() const;

    // Filled in.
    std::int32_t on_reserve = 0;
    std::int32_t free = 0;
};

// Fills in PoolLine::asked and ::share, ProxyLine::target. Weighted max-min over the pools, then
// max-min over each pool's proxies. Small differences are passed over unless somebody starves or
// the budget is exceeded.
void set_targets(DatabaseLine& database);

// Fills in the grants. Requires: set_targets().
void settle(DatabaseLine& database);

// How many processes may start now on the database, and of one pool: each takes its floor from what
// is left of the reserve. Requires: settle().
std::int32_t starts_allowed(const DatabaseLine& database);
std::int32_t starts_allowed(const PoolLine& pool);

}  // namespace penstock::domain
