#include "operator/domain/percentile.hpp"

#include "crds/api/latency.hpp"

#include <algorithm>

#include <gtest/gtest.h>

namespace penstock::domain {
namespace {

api::Histogram of(std::initializer_list<std::uint32_t> values_us) {
    api::Histogram histogram;
    histogram.counts.resize(api::bucket_count);
    for (const std::uint32_t value : values_us) {
        const auto& bounds = api::bucket_bounds_us;
        const auto bound = std::lower_bound(bounds.begin(), bounds.end(), value);
        ++histogram.counts[static_cast<std::size_t>(bound - bounds.begin())];
        histogram.sum_us += value;
    }
    return histogram;
}

TEST(Percentile, NothingWithoutSamples) {
    EXPECT_EQ(percentile_us({}, 0.99), std::nullopt);
    EXPECT_EQ(percentile_us(of({}), 0.99), std::nullopt);
}

TEST(Percentile, IsWithinTheBucket) {
    const auto p99 = percentile_us(of({1000, 1000, 1000}), 0.99);
    ASSERT_TRUE(p99);
    EXPECT_GT(*p99, 800U);
    EXPECT_LE(*p99, 1200U);
}

TEST(Percentile, SlowestOneOfManyIsBeyondP99ButNotBeyondThe100th) {
    api::Histogram histogram = of({500'000});
    for (int i = 0; i < 199; ++i) add(histogram, of({1000}));
    EXPECT_LE(percentile_us(histogram, 0.99), 1200U);
    EXPECT_GT(percentile_us(histogram, 1.0), 400'000U);
}

TEST(Percentile, AboveTheLastBoundIsTheLastBound) {
    EXPECT_EQ(percentile_us(of({30'000'000}), 0.5), api::bucket_bounds_us.back());
}

TEST(Percentile, DifferenceIsWhatCameBetween) {
    api::Histogram newer = of({1000, 2000});
    add(newer, of({70}));
    EXPECT_EQ(difference(newer, of({1000, 2000})), of({70}));
}

TEST(Percentile, RestartedCounterCountsFromZero) {
    EXPECT_EQ(difference(of({70}), of({1000, 2000})), of({70}));
    EXPECT_EQ(difference({}, of({1000})), api::Histogram{});
}

TEST(Percentile, SumOfDifferentLengths) {
    api::Histogram sum;
    add(sum, of({70, 80}));
    EXPECT_EQ(samples(sum), 2U);
}

}  // namespace
}  // namespace penstock::domain
