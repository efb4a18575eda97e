#include "dataplane/proxy/metrics.hpp"

#include <algorithm>

namespace penstock::proxy {

void LatencyHistogram::add(std::chrono::steady_clock::duration value) {
    using std::chrono::microseconds;
    const auto us =
        std::max<std::int64_t>(0, std::chrono::duration_cast<microseconds>(value).count());
    const auto& bounds = api::bucket_bounds_us;
    const auto at = std::lower_bound(bounds.begin(), bounds.end(), static_cast<std::uint64_t>(us));
    counts_[static_cast<std::size_t>(at - bounds.begin())].add();
    sum_us_.add(static_cast<std::uint64_t>(us));
}

std::array<std::uint64_t, api::bucket_count> LatencyHistogram::counts() const {
    std::array<std::uint64_t, api::bucket_count> counts{};
    std::transform(counts_.begin(), counts_.end(), counts.begin(), [](const Counter& c) {
        return c.get();
    });
    return counts;
}

}  // namespace penstock::proxy
