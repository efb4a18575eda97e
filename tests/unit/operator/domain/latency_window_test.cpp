#include "operator/domain/latency_window.hpp"

#include "operator/domain/percentile.hpp"
#include "tests/support/fleet_builder.hpp"

#include <gtest/gtest.h>

namespace penstock::domain {
namespace {

using namespace std::chrono_literals;

struct LatencyWindowTest : ::testing::Test {
    LatencyWindow window;
    Time now{1h};
    api::Report a = *test::proxy("a", "default/main", now).report;
    api::Report b = *test::proxy("b", "default/main", now).report;

    void second() {
        now += 1s;
        window.add({{&a, now}, {&b, now}}, now);
    }
};

TEST_F(LatencyWindowTest, AddsUpWhatAllProxiesMeasuredSinceTheirFirstReport) {
    test::sample(a.query, 1000, 500);
    second();
    EXPECT_EQ(samples(window.over(10s, now).query), 0U);
    test::sample(a.query, 1000, 5);
    test::sample(b.query, 2000, 7);
    test::sample(b.wait, 2000, 3);
    a.totals.transactions_refused = 2;
    b.totals.would_refuse = 4;
    a.servers_busy = 3;
    b.servers_busy = 4;
    second();
    const Measured measured = window.over(10s, now);
    EXPECT_EQ(samples(measured.query), 12U);
    EXPECT_EQ(samples(measured.wait), 3U);
    EXPECT_EQ(measured.refused, 6U);
    EXPECT_EQ(measured.busy, 7);
}

TEST_F(LatencyWindowTest, ForgetsWhatIsOld) {
    second();
    test::sample(a.query, 1000, 5);
    second();
    for (int i = 0; i < 10; ++i) second();
    EXPECT_EQ(samples(window.over(10s, now).query), 5U);
    second();
    EXPECT_EQ(samples(window.over(10s, now).query), 0U);
}

TEST_F(LatencyWindowTest, SameReportIsCountedOnce) {
    second();
    test::sample(a.query, 1000, 5);
    second();
    window.add({{&a, now}, {&b, now}}, now + 1s);
    EXPECT_EQ(samples(window.over(10s, now).query), 5U);
}

}  // namespace
}  // namespace penstock::domain
