#include "operator/domain/throttle.hpp"

#include "tests/support/fleet_builder.hpp"

#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

namespace penstock::domain {
namespace {

using namespace std::chrono_literals;

// A database that serves `knee` transactions at once in `base_ms` each; more at once only make each
// slower. Clients in a closed loop fill whatever is allowed.
struct Plant {
    double knee = 20;
    double base_ms = 10;
    std::int32_t clients = 200;
    std::int32_t granted = 100;
    api::BackpressureSpec policy = test::policy("p", "main").spec;
    Throttle throttle;
    Time now{1h};
    api::Report report = *test::proxy("a", "default/main", now).report;
    double latency_ms = 0;

    std::int32_t running() const {
        const bool held = throttle.limit() > 0 && policy.mode == api::BackpressureMode::Enforce;
        return std::min(clients, held ? throttle.limit() : granted);
    }

    void second() {
        now += 1s;
        const std::int32_t busy = running();
        latency_ms = base_ms * std::max(1.0, busy / knee);
        const auto served = static_cast<std::uint64_t>(busy * 1000 / latency_ms);
        test::sample(report.query, static_cast<std::uint32_t>(latency_ms * 1000), served);
        test::sample(report.wait, 1000, served);
        report.servers_busy = busy;
        throttle.update(policy, {{&report, now}}, granted, now);
    }

    void seconds(int count) {
        for (int i = 0; i < count; ++i) second();
    }
};

TEST(Throttle, OpenWhileTheTargetIsKept) {
    Plant plant;
    plant.clients = 20;
    plant.seconds(60);
    EXPECT_EQ(plant.throttle.limit(), 0);
    EXPECT_EQ(plant.throttle.state(), api::ThrottleState::Open);
    EXPECT_FALSE(plant.throttle.above_target());
}

// 20 ms are reached at 40 at once; within a bucket of the histogram that is 32 to 48.
TEST(Throttle, SettlesWhereTheTargetIsJustKept) {
    Plant plant;
    plant.seconds(60);
    EXPECT_EQ(plant.throttle.state(), api::ThrottleState::Limiting);
    for (int i = 0; i < 60; ++i) {
        plant.second();
        EXPECT_GE(plant.throttle.limit(), 26);
        EXPECT_LE(plant.throttle.limit(), 50);
    }
}

TEST(Throttle, CutsFromWhatRanNotFromAnUnusedLimit) {
    Plant plant;
    plant.clients = 50;
    plant.granted = 1000;
    plant.seconds(4);
    EXPECT_GT(plant.throttle.limit(), 0);
    EXPECT_LE(plant.throttle.limit(), 40);
}

TEST(Throttle, OpensAgainWhenTheDatabaseRecovers) {
    Plant plant;
    plant.knee = 5;
    plant.seconds(60);
    EXPECT_LE(plant.throttle.limit(), 15);
    plant.knee = 1000;
    plant.seconds(200);
    EXPECT_EQ(plant.throttle.limit(), 0);
    EXPECT_EQ(plant.throttle.state(), api::ThrottleState::Open);
}

TEST(Throttle, FollowsADatabaseThatGetsSlower) {
    Plant plant;
    plant.seconds(60);
    plant.knee = 10;
    plant.seconds(30);
    EXPECT_LE(plant.latency_ms, 26);
}

TEST(Throttle, FreezesWithTooFewSamples) {
    Plant plant;
    plant.policy.latency.minimum_samples = 100'000;
    plant.seconds(60);
    EXPECT_FALSE(plant.throttle.fresh());
    EXPECT_EQ(plant.throttle.limit(), 0);
}

TEST(Throttle, NeverLeavesItsBounds) {
    Plant plant;
    plant.knee = 0.1;
    plant.policy.concurrency.minimum = 7;
    plant.seconds(100);
    EXPECT_EQ(plant.throttle.limit(), 7);
    plant.knee = 1000;
    plant.policy.concurrency.maximum = 30;
    plant.seconds(200);
    EXPECT_EQ(plant.throttle.limit(), 30);
    EXPECT_EQ(plant.throttle.state(), api::ThrottleState::Limiting);
}

TEST(Throttle, MaximumHoldsBeforeAnythingIsMeasured) {
    Plant plant;
    plant.policy.concurrency.maximum = 30;
    plant.throttle.update(plant.policy, {}, 100, plant.now);
    EXPECT_EQ(plant.throttle.limit(), 30);
}

TEST(Throttle, InObserveItSaysWhatItWouldDoWithoutRunningAway) {
    Plant plant;
    plant.policy.mode = api::BackpressureMode::Observe;
    plant.seconds(100);
    EXPECT_EQ(plant.throttle.limit(), 80);
    EXPECT_FALSE(split(plant.throttle, plant.policy, {100}).front().enforced);
}

TEST(Throttle, WaitAsTheSignalBoundsTheQueueNotTheConcurrency) {
    Plant plant;
    plant.policy.latency.signal = api::LatencySignal::QueueWait;
    plant.policy.latency.target_milliseconds = 1;
    plant.seconds(60);
    EXPECT_EQ(plant.throttle.limit(), 0);
    EXPECT_EQ(plant.throttle.queue_wait_max_ms(plant.policy), 1);
}

TEST(Throttle, TotalLeavesTheRestOfTheTargetToTheQueue) {
    Plant plant;
    plant.policy.latency.signal = api::LatencySignal::Total;
    plant.policy.latency.target_milliseconds = 100;
    plant.clients = 20;
    plant.seconds(20);
    EXPECT_GE(plant.throttle.queue_wait_max_ms(plant.policy), 80);
    EXPECT_LT(plant.throttle.queue_wait_max_ms(plant.policy), 100);
}

TEST(Throttle, SheddingWhileTransactionsAreRefused) {
    Plant plant;
    plant.clients = 20;
    plant.seconds(3);
    plant.report.totals.transactions_refused += 5;
    plant.second();
    EXPECT_EQ(plant.throttle.state(), api::ThrottleState::Shedding);
    plant.seconds(25);
    EXPECT_EQ(plant.throttle.state(), api::ThrottleState::Open);
}

TEST(Throttle, IsSplitInProportionToTheGrants) {
    Plant plant;
    plant.policy.concurrency.maximum = 30;
    plant.throttle.update(plant.policy, {}, 60, plant.now);
    const std::vector<api::Throttle> parts = split(plant.throttle, plant.policy, {10, 20, 30});
    EXPECT_EQ(parts[0].concurrency_max, 5);
    EXPECT_EQ(parts[1].concurrency_max, 10);
    EXPECT_EQ(parts[2].concurrency_max, 15);
    EXPECT_TRUE(parts[0].enforced);
    EXPECT_EQ(parts[0].queue_length_max, 1000);
    EXPECT_EQ(parts[0].queue_wait_max_ms, 5000);
}

}  // namespace
}  // namespace penstock::domain
