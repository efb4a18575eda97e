// How many server connections may exist to one database, from what PostgreSQL itself says, and
// which term of the reckoning binds.
#pragma once

#include "crds/api/grant.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

namespace penstock::domain {

// Why a pool has no more server connections than it has. Ends in status.
enum class LimitedBy : std::uint8_t {
    Unknown,           // the database has not been reached yet
    Demand,            // it needs no more
    Floor,             // it needs less: the minimum holds
    Fixed,             // sizing.mode is Fixed and all of it is granted
    Spec,              // budget.maxServerConnections
    Percent,           // budget.maxServerConnectionsPercent
    Headroom,          // budget.headroomConnections of the database's slots
    OtherConnections,  // clients that do not come through Penstock hold the rest
    SharedDatabase,    // other pools of the same database hold the rest
    Policy,            // a Backpressure policy holds concurrency below the grant
    Learning,          // a restarted operator raises nothing before it knows every proxy
};
std::string_view to_string(LimitedBy reason);

struct Ceiling {
    std::int32_t connections = 0;
    LimitedBy limited_by = LimitedBy::Unknown;

    bool operator==(const Ceiling&) const = default;
};

// Slots that ordinary roles can use.
std::int32_t usable_connections(const api::DatabaseFacts& facts);

// The most that all pools of one database may hold together. `others` is
// others_allowance(); `headroom` and `percent` are the most careful ones that any of the
// pools asks for.
Ceiling database_budget(
    const api::DatabaseFacts& facts,
    std::int32_t others,
    std::int32_t headroom,
    std::int32_t percent
);

// The most that one pool may hold: budget.maxServerConnections, where it is below the database's
// budget.
Ceiling pool_ceiling(const Ceiling& database, std::optional<std::int32_t> connections_max);

// What is kept free of a ceiling, for proxies that start before anybody could grant them anything:
// each of `surge` starts with `floor`. Small ceilings keep a quarter, at most a half.
inline constexpr std::int32_t rollout_surge = 1;  // proxies above spec.replicas in a replacement
std::int32_t reserve_of(std::int32_t ceiling, std::int32_t surge, std::int32_t floor);

// What is left to client backends that are not ours, from the most of them that were seen within
// others_memory: a tenth more, so that B rises slowly and falls at once.
std::int32_t others_allowance(std::int32_t peak);
inline constexpr std::chrono::seconds others_memory{300};

}  // namespace penstock::domain
