// How many server connections a pool should begin to open now: a function of numbers, with its
// reason.
#pragma once

#include <cstdint>

namespace penstock::pool {

struct SizingInput {
    std::int32_t waiting = 0;           // clients that wait for a server of this pool
    std::int32_t idle = 0;              // servers of this pool that are free
    std::int32_t opening = 0;           // servers of this pool on their way
    std::int32_t servers = 0;           // all servers of this pool
    std::int32_t servers_max = 0;       // of this pool; 0: no limit of its own
    std::int32_t logins_in_flight = 0;  // of the worker, all pools
    std::int32_t logins_in_flight_max = 1;
};

enum class SizingReason : std::uint8_t {
    Enough,          // idle and opening servers cover those who wait
    Waiting,         // one for each client that waits and has none coming
    PoolLimit,       // the pool's own limit binds
    LoginsInFlight,  // the connect gate binds: the database is not to drown in logins
};

struct Sizing {
    std::int32_t to_open = 0;
    SizingReason reason = SizingReason::Enough;
};

Sizing servers_to_open(const SizingInput& input);

}  // namespace penstock::pool
