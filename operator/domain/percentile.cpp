#include "operator/domain/percentile.hpp"

#include "crds/api/latency.hpp"

#include <algorithm>
#include <cstddef>
#include <numeric>

namespace penstock::domain {

api::Histogram difference(const api::Histogram& newer, const api::Histogram& older) {
    bool restarted = newer.counts.size() < older.counts.size() || newer.sum_us < older.sum_us;
    for (std::size_t i = 0; i < older.counts.size() && !restarted; ++i)
        restarted = newer.counts[i] < older.counts[i];
    if (restarted) return newer;
    api::Histogram result = newer;
    for (std::size_t i = 0; i < older.counts.size(); ++i) result.counts[i] -= older.counts[i];
    result.sum_us -= older.sum_us;
    return result;
}

void add(api::Histogram& sum, const api::Histogram& part) {
    if (sum.counts.size() < part.counts.size()) sum.counts.resize(part.counts.size());
    for (std::size_t i = 0; i < part.counts.size(); ++i) sum.counts[i] += part.counts[i];
    sum.sum_us += part.sum_us;
}

std::uint64_t samples(const api::Histogram& histogram) {
    return std::accumulate(histogram.counts.begin(), histogram.counts.end(), std::uint64_t{0});
}

std::optional<std::uint64_t> percentile_us(const api::Histogram& histogram, double fraction) {
    const std::uint64_t total = samples(histogram);
    if (total == 0) return std::nullopt;
    const double rank = std::clamp(fraction, 0.0, 1.0) * static_cast<double>(total);
    double below = 0;
    for (std::size_t i = 0; i < histogram.counts.size(); ++i) {
        const auto count = static_cast<double>(histogram.counts[i]);
        if (count > 0 && below + count >= rank) {
            if (i >= api::bucket_bounds_us.size()) break;
            const double lower = i == 0 ? 0 : api::bucket_bounds_us[i - 1];
            const double upper = api::bucket_bounds_us[i];
            return static_cast<std::uint64_t>(
                lower + (upper - lower) * std::max(0.0, rank - below) / count
            );
        }
        below += count;
    }
    return api::bucket_bounds_us.back();
}

}  // namespace penstock::domain
