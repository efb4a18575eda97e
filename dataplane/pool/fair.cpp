#include "dataplane/pool/fair.hpp"

#include <algorithm>
#include <vector>

namespace penstock::pool {

std::int32_t servers_due(
    std::span<const std::int32_t> others, std::int32_t own, std::int32_t wanted
) {
    std::vector<std::int32_t> held(others.begin(), others.end());
    std::ranges::make_heap(held);
    std::int32_t due = 0;
    while (due < wanted && !held.empty() && held.front() > own + due + 1) {
        std::ranges::pop_heap(held);
        --held.back();
        std::ranges::push_heap(held);
        ++due;
    }
    return due;
}

}  // namespace penstock::pool
