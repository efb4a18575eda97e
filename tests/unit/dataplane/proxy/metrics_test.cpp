#include "dataplane/proxy/metrics.hpp"

#include <numeric>

#include <gtest/gtest.h>

namespace penstock::proxy {
namespace {

using std::chrono::microseconds;

TEST(Counter, AddsSubtractsAndSets) {
    Counter counter;
    counter.add();
    counter.add(4);
    counter.subtract(2);
    EXPECT_EQ(counter.get(), 3U);
    counter.set(7);
    EXPECT_EQ(counter.get(), 7U);
}

TEST(LatencyHistogram, PutsValuesIntoTheBucketThatTheyDoNotExceed) {
    LatencyHistogram histogram;
    const auto bucket_of = [&](microseconds value) {
        const auto before = histogram.counts();
        histogram.add(value);
        const auto after = histogram.counts();
        for (std::size_t i = 0; i < after.size(); ++i) {
            if (after[i] != before[i]) return i;
        }
        return after.size();
    };
    EXPECT_EQ(bucket_of(microseconds(-5)), 0U);
    EXPECT_EQ(bucket_of(microseconds(0)), 0U);
    EXPECT_EQ(bucket_of(microseconds(50)), 0U);
    EXPECT_EQ(bucket_of(microseconds(51)), 1U);
    EXPECT_EQ(bucket_of(microseconds(26'214'400)), api::bucket_count - 2);
    EXPECT_EQ(bucket_of(microseconds(26'214'401)), api::bucket_count - 1);
    for (std::size_t i = 1; i < api::bucket_bounds_us.size(); ++i) {
        LatencyHistogram one;
        one.add(microseconds(api::bucket_bounds_us[i]));
        one.add(microseconds(api::bucket_bounds_us[i - 1] + 1));
        EXPECT_EQ(one.counts()[i], 2U) << i;
    }
    const auto counts = histogram.counts();
    EXPECT_EQ(std::accumulate(counts.begin(), counts.end(), std::uint64_t{0}), 6U);
    EXPECT_EQ(histogram.sum_us(), 50U + 51U + 26'214'400U + 26'214'401U);
}

}  // namespace
}  // namespace penstock::proxy
