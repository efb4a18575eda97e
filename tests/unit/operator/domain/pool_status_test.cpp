#include "operator/domain/pool_status.hpp"

#include "tests/support/fleet_builder.hpp"

#include <gtest/gtest.h>

namespace penstock::domain {
namespace {

struct PoolStatusTest : ::testing::Test {
    test::Fleet fleet;
    PoolStatusTest() {
        fleet.observed.pools = {test::pool("main", 2)};
        fleet.add("a", "main");
        fleet.add("b", "main");
    }
    const api::ConnectionPoolStatus& status() { return fleet.observed.pools[0].status; }
};

TEST_F(PoolStatusTest, SaysWhatIs) {
    fleet.load("a", 20, 0);
    test::sample(fleet.report("a").query, 1000, 1);
    fleet.rounds(10);
    test::sample(fleet.report("a").query, 3000, 100);
    fleet.rounds(6);
    EXPECT_EQ(status().observed_generation, 1);
    EXPECT_EQ(status().replicas, 2);
    EXPECT_EQ(status().ready_replicas, 2);
    EXPECT_EQ(status().updated_replicas, 2);
    EXPECT_EQ(status().terminating_replicas, 0);
    EXPECT_EQ(status().selector, "penstock.dev/pool=main");
    EXPECT_EQ(status().epoch, 5);
    EXPECT_EQ(status().database->server_version, "17.2");
    EXPECT_EQ(status().database->max_connections, 100);
    EXPECT_EQ(status().database->reserved_connections, 3);
    EXPECT_EQ(status().budget->ceiling, 92);
    EXPECT_EQ(status().budget->reserve, 3);
    EXPECT_GE(status().budget->granted, 28);
    EXPECT_EQ(status().budget->in_use, 20);
    EXPECT_NEAR(static_cast<double>(status().sizing->demand_hundredths), 2000, 400);
    EXPECT_EQ(status().limited_by, "Demand");
    EXPECT_EQ(status().sizing->last_resize_reason, "DemandRose");
    EXPECT_TRUE(status().sizing->last_resize_time);
    EXPECT_EQ(status().latency->query_p99_milliseconds, 5);
    ASSERT_EQ(status().proxies.size(), 2U);
    EXPECT_EQ(status().proxies[0].name, "a");
    EXPECT_EQ(status().proxies[0].state, "Running");
    EXPECT_EQ(status().proxies[0].servers, 20);
}

TEST_F(PoolStatusTest, DrainingAndSilentProxiesAreShownAsSuch) {
    fleet.rounds(3);
    fleet.at("a").phase = ProxyPhase::Draining;
    fleet.silence("b");
    fleet.rounds(12);
    EXPECT_EQ(status().terminating_replicas, 1);
    EXPECT_EQ(status().replicas, 1);
    EXPECT_EQ(status().proxies[0].state, "Draining");
    EXPECT_EQ(status().proxies[1].state, "Silent");
}

TEST_F(PoolStatusTest, ObserveShowsWhatAutoWouldDoAndKeepsTheSize) {
    fleet.observed.pools[0].spec.sizing.mode = api::SizingMode::Observe;
    fleet.load("a", 1, 50);
    fleet.rounds(10);
    EXPECT_GE(status().sizing->desired, 60);
    EXPECT_LE(status().budget->granted, 4);
}

TEST_F(PoolStatusTest, ShowsThePolicyThatActsOnIt) {
    fleet.observed.policies = {test::policy("p", "main")};
    fleet.observed.policies[0].spec.concurrency.maximum = 1;
    fleet.rounds(3);
    ASSERT_TRUE(status().throttle);
    EXPECT_EQ(status().throttle->policy, "p");
    EXPECT_EQ(status().throttle->concurrency_limit, 1);
    EXPECT_EQ(status().throttle->state, api::ThrottleState::Limiting);
}

TEST_F(PoolStatusTest, WithoutADatabaseNothingIsWrittenAgainAndAgain) {
    for (const char* id : {"a", "b"}) fleet.report(id).facts.reset();
    fleet.rounds(10);
    for (int i = 0; i < 40; ++i) EXPECT_TRUE(fleet.round().pool_statuses.empty());
    EXPECT_EQ(status().sizing->last_resize_time, std::nullopt);
}

TEST_F(PoolStatusTest, ConditionsAndCountsAreUrgentNumbersAreNot) {
    api::ConnectionPoolStatus before;
    before.conditions = {{"Ready", api::ConditionStatus::True, 1, "T", "Available", ""}};
    before.budget = api::BudgetStatus{};
    api::ConnectionPoolStatus after = before;
    after.budget->granted = 7;
    EXPECT_FALSE(is_urgent(before, after));
    after.ready_replicas = 1;
    EXPECT_TRUE(is_urgent(before, after));
    after = before;
    after.conditions[0].reason = "Paused";
    EXPECT_TRUE(is_urgent(before, after));
    after = before;
    after.conditions[0].message = "other words";
    EXPECT_FALSE(is_urgent(before, after));
}

}  // namespace
}  // namespace penstock::domain
