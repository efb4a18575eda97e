#include "operator/domain/max_min.hpp"

#include <algorithm>
#include <cstddef>
#include <numeric>

namespace penstock::domain {

namespace {

// The water level is a fixed-point number so that every machine finds the same one.
constexpr int level_bits = 20;

std::int64_t raw(const Claim& claim, std::int64_t level) {
    return std::int64_t{claim.weight} * level;
}

std::int32_t share_at(const Claim& claim, std::int64_t level) {
    return static_cast<std::int32_t>(
        std::clamp<std::int64_t>(raw(claim, level) >> level_bits, claim.floor, claim.want)
    );
}

std::int64_t sum_at(const std::vector<Claim>& claims, std::int64_t level) {
    std::int64_t sum = 0;
    for (const Claim& claim : claims) sum += share_at(claim, level);
    return sum;
}

}  // namespace

std::vector<std::int32_t> max_min(std::int32_t total, const std::vector<Claim>& given) {
    total = std::max(total, 0);
    std::vector<Claim> claims = given;
    std::int64_t floors = 0;
    for (Claim& claim : claims) {
        claim.floor = std::max(claim.floor, 0);
        claim.want = std::max(claim.want, claim.floor);
        claim.weight = std::max(claim.weight, 1);
        floors += claim.floor;
    }
    if (floors > total)
        for (Claim& claim : claims) {
            claim.want = claim.floor;
            claim.floor = 0;
        }

    // Invariant of the search: sum_at(low) <= total.
    std::int64_t low = 0;
    std::int64_t high = std::int64_t{1} << (31 + level_bits);
    if (sum_at(claims, high) <= total) {
        low = high;
    } else {
        while (high - low > 1) {
            const std::int64_t middle = low + (high - low) / 2;
            (sum_at(claims, middle) <= total ? low : high) = middle;
        }
    }

    std::vector<std::int32_t> shares;
    shares.reserve(claims.size());
    for (const Claim& claim : claims) shares.push_back(share_at(claim, low));
    std::int64_t rest = total - std::accumulate(shares.begin(), shares.end(), std::int64_t{0});

    std::vector<std::size_t> order(claims.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    constexpr std::int64_t fraction = (std::int64_t{1} << level_bits) - 1;
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        return (raw(claims[a], low) & fraction) > (raw(claims[b], low) & fraction);
    });
    // Claims that their floor holds above the level are not the poorest: they get of the rest last.
    std::stable_partition(order.begin(), order.end(), [&](std::size_t i) {
        return shares[i] <= (raw(claims[i], low) >> level_bits);
    });
    for (bool given_any = true; rest > 0 && given_any;) {
        given_any = false;
        for (const std::size_t i : order)
            if (rest > 0 && shares[i] < claims[i].want) {
                ++shares[i];
                --rest;
                given_any = true;
            }
    }
    return shares;
}

}  // namespace penstock::domain
