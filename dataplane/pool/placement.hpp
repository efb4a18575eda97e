// How many of the workers new clients are given to: a function of numbers.
#pragma once

#include <cstdint>

namespace penstock::pool {

struct PlacementInput {
    std::int32_t workers = 1;
    std::int32_t cpus = 1;     // that the process may use
    std::int32_t servers = 1;  // server connections that it may have
    std::int32_t clients = 0;
};

// Each worker more costs wake-ups, and servers that change workers. One carries the traffic of a
// few servers that are always busy, so more workers than those need, or than there are CPUs, only
// cost. Many clients are spread all the same: they stay where they are when the limit is raised.
std::int32_t workers_for(const PlacementInput& input);

}  // namespace penstock::pool
