// Weighted max-min sharing ("water filling") of whole connections.
#pragma once

#include <cstdint>
#include <vector>

namespace penstock::domain {

struct Claim {
    std::int32_t want = 0;  // gets no more than this
    std::int32_t floor =
        0;  // gets this before anybody gets more; at most `want`, or `want` is raised to it
    std::int32_t weight = 1;

    bool operator==(const Claim&) const = default;
};

// One share per claim. Their sum is min(total, sum of wants): everybody's share is raised in
// proportion to weight until each is satisfied or nothing is left. Floors that exceed `total`
// together are themselves shared so. Deterministic: remainders go to the largest fraction, ties to
// the earlier claim.
std::vector<std::int32_t> max_min(std::int32_t total, const std::vector<Claim>& claims);

}  // namespace penstock::domain
