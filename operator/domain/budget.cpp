#include "operator/domain/budget.hpp"

#include <algorithm>

namespace penstock::domain {

std::string_view to_string(LimitedBy reason) {
    switch (reason) {
        case LimitedBy::Unknown:
            return "Unknown";
        case LimitedBy::Demand:
            return "Demand";
        case LimitedBy::Floor:
            return "Floor";
        case LimitedBy::Fixed:
            return "Fixed";
        case LimitedBy::Spec:
            return "Spec";
        case LimitedBy::Percent:
            return "Percent";
        case LimitedBy::Headroom:
            return "Headroom";
        case LimitedBy::OtherConnections:
            return "OtherConnections";
        case LimitedBy::SharedDatabase:
            return "SharedDatabase";
        case LimitedBy::Policy:
            return "Policy";
        case LimitedBy::Learning:
            return "Learning";
    }
    return "Unknown";
}

std::int32_t usable_connections(const api::DatabaseFacts& facts) {
    return std::max(
        0, facts.max_connections - facts.superuser_reserved_connections - facts.reserved_connections
    );
}

Ceiling database_budget(
    const api::DatabaseFacts& facts,
    std::int32_t others,
    std::int32_t headroom,
    std::int32_t percent
) {
    const std::int32_t usable = usable_connections(facts);
    const Ceiling rest{
        std::max(0, usable - others - headroom),
        others > headroom ? LimitedBy::OtherConnections : LimitedBy::Headroom};
    const auto part = static_cast<std::int32_t>(std::int64_t{usable} * percent / 100);
    return part < rest.connections ? Ceiling{part, LimitedBy::Percent} : rest;
}

Ceiling pool_ceiling(const Ceiling& database, std::optional<std::int32_t> connections_max) {
    if (connections_max && *connections_max <= database.connections)
        return {*connections_max, LimitedBy::Spec};
    return database;
}

std::int32_t reserve_of(std::int32_t ceiling, std::int32_t surge, std::int32_t floor) {
    const std::int32_t needed = surge * floor;
    return std::min(needed + 2, std::max((ceiling + 3) / 4, std::min(needed, ceiling / 2)));
}

std::int32_t others_allowance(std::int32_t peak) { return (peak * 11 + 9) / 10; }

}  // namespace penstock::domain
