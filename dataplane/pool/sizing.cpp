#include "dataplane/pool/sizing.hpp"

#include <algorithm>

namespace penstock::pool {

Sizing servers_to_open(const SizingInput& input) {
    const std::int32_t missing = input.waiting - input.idle - input.opening;
    if (missing <= 0) return {0, SizingReason::Enough};
    Sizing sizing{missing, SizingReason::Waiting};
    if (input.servers_max > 0 && input.servers_max - input.servers < sizing.to_open) {
        sizing = {std::max(0, input.servers_max - input.servers), SizingReason::PoolLimit};
    }
    const std::int32_t gate = std::max(0, input.logins_in_flight_max - input.logins_in_flight);
    if (gate < sizing.to_open) sizing = {gate, SizingReason::LoginsInFlight};
    return sizing;
}

}  // namespace penstock::pool
