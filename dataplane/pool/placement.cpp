#include "dataplane/pool/placement.hpp"

#include <algorithm>

namespace penstock::pool {
namespace {

// A backend answers at most some 20,000 queries a second, a worker passes on some 60,000: with less
// the CPU would not be used.
constexpr std::int32_t servers_per_worker = 4;
constexpr std::int32_t clients_per_worker = 100;

std::int32_t in_parts(std::int32_t number, std::int32_t part) { return (number + part - 1) / part; }

}  // namespace

std::int32_t workers_for(const PlacementInput& input) {
    const std::int32_t wanted = std::max(
        {std::min(input.servers, 2),
         in_parts(input.servers, servers_per_worker),
         in_parts(input.clients, clients_per_worker)}
    );
    return std::clamp(wanted, 1, std::max(1, std::min(input.workers, input.cpus)));
}

}  // namespace penstock::pool
