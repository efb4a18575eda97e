#include "dataplane/proxy/metrics.hpp"

#include <algorithm>
#include <bit>

namespace penstock::proxy {
namespace {

// By the number of bits of a value: the first bucket that can hold it. From there it is two steps
// at most.
constexpr auto first_buckets = [] {
    std::array<std::uint8_t, 65> first{};
    for (std::size_t bits = 0; bits < first.size(); ++bits) {
        const std::uint64_t least = bits == 0 ? 0 : std::uint64_t{1} << (bits - 1);
        std::size_t bucket = 0;
        while (bucket < api::bucket_bounds_us.size() && api::bucket_bounds_us[bucket] < least)
            ++bucket;
        first[bits] = static_cast<std::uint8_t>(bucket);
    }
    return first;
}();

}  // namespace

void LatencyHistogram::add(std::chrono::steady_clock::duration value) {
    using std::chrono::microseconds;
    const auto us = static_cast<std::uint64_t>(
        std::max<std::int64_t>(0, std::chrono::duration_cast<microseconds>(value).count())
    );
    std::size_t bucket = first_buckets[static_cast<std::size_t>(std::bit_width(us))];
    while (bucket < api::bucket_bounds_us.size() && api::bucket_bounds_us[bucket] < us) ++bucket;
    counts_[bucket].add();
    sum_us_.add(us);
}

std::array<std::uint64_t, api::bucket_count> LatencyHistogram::counts() const {
    std::array<std::uint64_t, api::bucket_count> counts{};
    std::transform(counts_.begin(), counts_.end(), counts.begin(), [](const Counter& c) {
        return c.get();
    });
    return counts;
}

}  // namespace penstock::proxy
