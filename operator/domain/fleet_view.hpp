// One round's view of the fleet: pools and their proxies grouped by database, each with its line in
// the ledger. Built by make_plan(); pointers are into Observed and Memory and live as long as the
// round.
#pragma once

#include "operator/domain/budget.hpp"
#include "operator/domain/ledger.hpp"
#include "operator/domain/memory.hpp"
#include "operator/domain/observed.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace penstock::domain {

// A report older than that is of a silent proxy; facts older than that allow no growth.
inline constexpr std::chrono::seconds silence{5};
// Facts must be so much newer than the end of a process before its connections count as seen.
inline constexpr std::chrono::seconds end_margin{1};

struct ProxyView {
    const Proxy* proxy = nullptr;
    ProxyMemory* memory = nullptr;
    bool confirmed_gone = false;  // and the database shows none of its connections
};

struct PoolView {
    std::string key;
    const api::ConnectionPool* resource = nullptr;  // absent: deleted, its proxies drain
    PoolMemory* memory = nullptr;
    std::vector<ProxyView> proxies;  // ascending by id
    Ceiling ceiling;
    double demand = 0;
};

struct DatabaseView {
    std::string key;
    std::optional<api::DatabaseFacts> facts;  // the newest, perhaps old
    bool fresh = false;                       // and they are not older than `silence`
    bool learning = false;              // some proxy may still take an earlier operator's grant
    std::vector<std::string> unfenced;  // the ids of those
    std::int32_t others = 0;            // allowance for connections that are not ours
    Ceiling budget;
    std::vector<PoolView> pools;  // ascending by key
    DatabaseLine line;            // line.pools[i] is of pools[i], and so for proxies
};

// Takes the reports into memory and groups what is observed.
std::vector<DatabaseView> view_of(const Observed& observed, Memory& memory, const Now& now);

}  // namespace penstock::domain
