#include "operator/domain/plan.hpp"

#include "tests/support/fleet_builder.hpp"

#include <gtest/gtest.h>

namespace penstock::domain {
namespace {

struct PlanTest : ::testing::Test {
    test::Fleet fleet;
    PlanTest() { fleet.observed.pools = {test::pool("main", 2)}; }

    std::int32_t granted(const std::string& id) { return fleet.report(id).granted; }
};

TEST_F(PlanTest, NewPoolStartsAsManyProxiesAsTheReserveCarries) {
    fleet.observed.pools[0].spec.replicas = 10;
    const Plan& plan = fleet.round();
    ASSERT_EQ(plan.workloads.size(), 1U);
    EXPECT_EQ(plan.workloads[0].pool, "default/main");
    EXPECT_EQ(plan.workloads[0].replicas, 10);
    EXPECT_EQ(plan.workloads[0].starts_allowed, 3);
    EXPECT_EQ(plan.workloads[0].owner_uid, "uid-main");
}

TEST_F(PlanTest, StartingProxiesUseUpTheReserve) {
    fleet.observed.pools[0].spec.replicas = 10;
    fleet.round();
    for (const char* id : {"a", "b"}) {
        fleet.add(id, "main");
        fleet.at(id).phase = ProxyPhase::Starting;
        fleet.at(id).report.reset();
    }
    EXPECT_EQ(fleet.round().workloads[0].starts_allowed, 1);
}

TEST_F(PlanTest, SizesFollowDemand) {
    fleet.add("a", "main");
    fleet.add("b", "main");
    fleet.load("a", 20, 0);
    fleet.rounds(20);
    EXPECT_GE(granted("a"), 27);
    EXPECT_EQ(granted("b"), 1);
    fleet.load("a", 1, 0);
    fleet.rounds(40);
    EXPECT_LE(granted("a"), 6);
}

TEST_F(PlanTest, NothingIsRaisedBeforeEveryProxyHasAnswered) {
    fleet.add("a", "main");
    fleet.add("b", "main");
    fleet.report("a").granted = 10;
    fleet.report("a").epoch = 4;
    fleet.report("a").sequence = 77;
    fleet.load("a", 10, 100);
    fleet.at("b").report.reset();
    fleet.rounds(20);
    EXPECT_EQ(granted("a"), 10);
    EXPECT_EQ(fleet.report("a").epoch, 5U);
    EXPECT_EQ(fleet.reason("GrantsCurrent"), "LearningMode");
    fleet.at("b").report = test::proxy("b", "default/main", fleet.now).report;
    fleet.rounds(10);
    EXPECT_GT(granted("a"), 50);
    EXPECT_EQ(fleet.reason("GrantsCurrent"), "AllAcknowledged");
}

TEST_F(PlanTest, HigherEpochEndsThisOperatorsGrants) {
    fleet.add("a", "main");
    fleet.rounds(3);
    fleet.report("a").epoch = 9;
    fleet.load("a", 10, 100);
    const Plan& plan = fleet.rounds(3);
    EXPECT_TRUE(plan.grants.empty());
    EXPECT_TRUE(plan.workloads.empty());
    EXPECT_EQ(fleet.reason("GrantsCurrent"), "EpochSuperseded");
}

TEST_F(PlanTest, LostGrantIsPushedAgain) {
    fleet.add("a", "main");
    fleet.rounds(3);
    fleet.load("a", 10, 0);
    fleet.deliver = false;
    fleet.rounds(3);
    const std::vector<GrantPush> first = fleet.plan.grants;
    ASSERT_EQ(first.size(), 1U);
    const std::vector<GrantPush> second = fleet.round().grants;
    ASSERT_EQ(second.size(), 1U);
    EXPECT_GT(second[0].grant.sequence, first[0].grant.sequence);
}

TEST_F(PlanTest, ReductionsArePushedBeforeGrowth) {
    fleet.add("a", "main");
    fleet.add("b", "main");
    fleet.load("a", 10, 300);
    fleet.rounds(10);
    EXPECT_GT(granted("a"), 80);
    fleet.load("a", 10, 0);
    fleet.load("b", 1, 300);
    for (int i = 0; i < 10; ++i) {
        fleet.round();
        bool grew = false;
        for (const GrantPush& push : fleet.plan.grants) {
            if (push.proxy_id == "b") grew = true;
            if (push.proxy_id == "a") {
                EXPECT_FALSE(grew);
            }
        }
    }
    EXPECT_GT(granted("b"), 30);
}

TEST_F(PlanTest, SteadyFleetWritesNothing) {
    fleet.add("a", "main");
    fleet.add("b", "main");
    fleet.load("a", 10, 0);
    fleet.rounds(60);
    for (int i = 0; i < 100; ++i) {
        // It breathes.
        fleet.load("a", 10 + i % 2, 0);
        const Plan& plan = fleet.round();
        EXPECT_TRUE(plan.grants.empty());
        EXPECT_TRUE(plan.pool_statuses.empty());
        EXPECT_TRUE(plan.events.empty());
    }
}

TEST_F(PlanTest, DeletedPoolIsRemovedAndItsConnectionsAreChargedUntilTheyAreGone) {
    fleet.observed.pools.push_back(test::pool("other"));
    fleet.add("a", "main");
    fleet.add("b", "other");
    fleet.load("a", 10, 300);
    fleet.rounds(10);
    fleet.load("b", 1, 300);
    fleet.report("b").facts->seen = {{"penstock/a", 80}};
    fleet.observed.pools.erase(fleet.observed.pools.begin());
    fleet.report("a").facts.reset();
    const Plan& plan = fleet.round();
    EXPECT_EQ(plan.removals, std::vector<std::string>{"default/main"});
    fleet.at("a").phase = ProxyPhase::Gone;
    fleet.at("a").ended = fleet.now;
    fleet.rounds(5);
    EXPECT_LE(granted("b"), 12);
    fleet.report("b").facts->seen.clear();
    fleet.rounds(5);
    EXPECT_GT(granted("b"), 80);
    EXPECT_TRUE(fleet.observed.proxies.size() == 1);
    EXPECT_TRUE(fleet.plan.removals.empty());
}

TEST_F(PlanTest, PoolDeletedWithoutProxiesIsRemovedOnce) {
    fleet.round();
    fleet.observed.pools.clear();
    EXPECT_EQ(fleet.round().removals.size(), 1U);
    EXPECT_TRUE(fleet.round().removals.empty());
}

TEST_F(PlanTest, EndedProxyIsForgottenWhenTheDatabaseShowsIt) {
    fleet.add("a", "main");
    fleet.add("b", "main");
    fleet.rounds(3);
    fleet.at("a").phase = ProxyPhase::Gone;
    fleet.at("a").ended = fleet.now;
    fleet.at("a").fault = "signal 9";
    fleet.round();
    EXPECT_TRUE(fleet.told("ProxyEnded"));
    fleet.rounds(2);
    EXPECT_FALSE(fleet.told("ProxyEnded"));
    EXPECT_EQ(fleet.observed.proxies.size(), 1U);
}

TEST_F(PlanTest, EndedProxyWithoutAnyFactsIsForgottenAfterAWhile) {
    fleet.add("a", "main");
    fleet.report("a").facts.reset();
    fleet.rounds(3);
    fleet.at("a").phase = ProxyPhase::Gone;
    fleet.at("a").ended = fleet.now;
    fleet.rounds(20);
    EXPECT_EQ(fleet.observed.proxies.size(), 1U);
    fleet.rounds(15);
    EXPECT_TRUE(fleet.observed.proxies.empty());
}

// Its connections would be charged for ever, since nobody is left to ask the database.
TEST_F(PlanTest, OverdrawnBudgetWithoutAnyProxyLetsOneStart) {
    fleet.add("a", "main");
    fleet.load("a", 80, 300);
    fleet.rounds(5);
    fleet.report("a").facts->others = 60;
    fleet.report("a").facts->seen = {{"penstock/a", 80}};
    fleet.round();
    EXPECT_EQ(fleet.plan.workloads[0].starts_allowed, 0);
    fleet.at("a").phase = ProxyPhase::Gone;
    fleet.at("a").ended = fleet.now;
    fleet.rounds(60);
    EXPECT_EQ(fleet.plan.workloads[0].starts_allowed, 1);
}

TEST_F(PlanTest, DrainingProxyGivesBackAsItsTransactionsEnd) {
    fleet.add("a", "main");
    fleet.add("b", "main");
    fleet.load("a", 10, 300);
    fleet.rounds(10);
    fleet.at("a").phase = ProxyPhase::Draining;
    fleet.load("a", 7, 0);
    fleet.rounds(2);
    EXPECT_EQ(granted("a"), 7);
    fleet.load("a", 0, 0);
    fleet.rounds(2);
    EXPECT_EQ(granted("a"), 1);
}

TEST_F(PlanTest, PolicyTravelsInTheGrants) {
    fleet.add("a", "main");
    fleet.rounds(5);
    fleet.observed.policies = {test::policy("p", "main")};
    fleet.observed.policies[0].spec.mode = api::BackpressureMode::Observe;
    fleet.observed.policies[0].spec.queue.max_length = 7;
    fleet.round();
    ASSERT_EQ(fleet.plan.grants.size(), 1U);
    ASSERT_TRUE(fleet.plan.grants[0].grant.throttle);
    EXPECT_FALSE(fleet.plan.grants[0].grant.throttle->enforced);
    EXPECT_EQ(fleet.plan.grants[0].grant.throttle->queue_length_max, 7);
    fleet.observed.policies.clear();
    fleet.round();
    ASSERT_EQ(fleet.plan.grants.size(), 1U);
    EXPECT_FALSE(fleet.plan.grants[0].grant.throttle);
}

TEST_F(PlanTest, BudgetTooSmallForTheReplicasKeepsProxiesFromStartingButEndsNone) {
    fleet.observed.pools[0].spec.replicas = 4;
    fleet.observed.pools[0].spec.budget.max_server_connections = 4;
    fleet.add("a", "main");
    fleet.rounds(3);
    EXPECT_EQ(fleet.plan.workloads[0].replicas, 3);
    EXPECT_EQ(fleet.reason("BudgetSatisfied"), "ReplicasExceedBudget");
    fleet.report("a").facts->others = 97;
    fleet.rounds(3);
    EXPECT_EQ(fleet.plan.workloads[0].replicas, 1);
}

TEST_F(PlanTest, SameArgumentsGiveTheSamePlan) {
    fleet.add("a", "main");
    fleet.load("a", 10, 300);
    fleet.rounds(5);
    Memory one = fleet.memory;
    Memory two = fleet.memory;
    const Now now{fleet.now + std::chrono::seconds{1}, "T"};
    EXPECT_EQ(make_plan(fleet.observed, one, now), make_plan(fleet.observed, two, now));
}

}  // namespace
}  // namespace penstock::domain
