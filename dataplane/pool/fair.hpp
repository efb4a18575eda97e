// Max-min sharing of server connections among the pools of a process: a function of numbers.
#pragma once

#include <cstdint>
#include <span>

namespace penstock::pool {

// How many of its servers each of `others` holds; how many this pool holds and how many more it
// wants. How many the others should give up for it: one after the other, whoever has most gives,
// while it then still has no fewer than this pool.
std::int32_t servers_due(
    std::span<const std::int32_t> others, std::int32_t own, std::int32_t wanted
);

}  // namespace penstock::pool
