#include "operator/domain/fleet_view.hpp"

#include "tests/support/fleet_builder.hpp"

#include <gtest/gtest.h>

namespace penstock::domain {
namespace {

using namespace std::chrono_literals;

struct FleetViewTest : ::testing::Test {
    test::Fleet fleet;

    std::vector<DatabaseView> view() {
        fleet.now += 1s;
        for (Proxy& each : fleet.observed.proxies)
            if (each.phase != ProxyPhase::Gone) each.reported = fleet.now;
        return view_of(fleet.observed, fleet.memory, {fleet.now, "T"});
    }
};

TEST_F(FleetViewTest, PoolsOfOneSystemIdentifierShareADatabase) {
    fleet.observed.pools = {test::pool("a"), test::pool("b"), test::pool("c")};
    for (std::size_t i = 0; i < 3; ++i)
        fleet.observed.pools[i].spec.database.host = "host" + std::to_string(i);
    for (const char* name : {"a", "b", "c"}) fleet.add(std::string("p") + name, name);
    fleet.report("pc").facts->system_identifier = "7000000000000000002";
    const auto views = view();
    ASSERT_EQ(views.size(), 2U);
    EXPECT_EQ(views[0].pools.size(), 2U);
    EXPECT_EQ(views[1].pools.front().key, "default/c");
}

TEST_F(FleetViewTest, StandbysAreDatabasesOfTheirOwn) {
    fleet.observed.pools = {test::pool("a"), test::pool("b")};
    fleet.observed.pools[1].spec.database.host = "standby";
    fleet.add("pa", "a");
    fleet.add("pb", "b");
    fleet.report("pb").facts->in_recovery = true;
    EXPECT_EQ(view().size(), 2U);
}

TEST_F(FleetViewTest, PoolWithoutFactsJoinsThePoolOfTheSameEndpoint) {
    fleet.observed.pools = {test::pool("a"), test::pool("b")};
    fleet.add("pa", "a");
    EXPECT_EQ(view().size(), 1U);
}

TEST_F(FleetViewTest, ProxyOfAnEarlierOperatorAllowsNoGrowthBeforeItObeysThisOne) {
    fleet.observed.pools = {test::pool("a")};
    fleet.add("pa", "a");
    fleet.report("pa").epoch = fleet.memory.epoch;
    view();
    view();
    ASSERT_TRUE(view().front().line.may_grow);
    // It was there all the time; its id is known only now.
    fleet.add("old", "a");
    fleet.observed.proxies.back().inherited = true;
    EXPECT_FALSE(view().front().line.may_grow);
    fleet.report("old").epoch = fleet.memory.epoch;
    EXPECT_TRUE(view().front().line.may_grow);
}

TEST_F(FleetViewTest, WhereInheritanceIsToldOthersKeepNobodyLearning) {
    fleet.observed.pools = {test::pool("a")};
    fleet.observed.inherited_is_told = true;
    fleet.add("pa", "a");
    fleet.observed.proxies.push_back({});
    fleet.observed.proxies.back().id = "never started";
    fleet.observed.proxies.back().pool = "default/a";
    view();
    view();
    EXPECT_TRUE(view().front().line.may_grow);
}

TEST_F(FleetViewTest, NameThatDisappearsIsForgotten) {
    fleet.observed.pools = {test::pool("a")};
    fleet.add("unnamed", "a");
    view();
    fleet.observed.proxies.front().id = fleet.observed.proxies.front().report->proxy_id = "named";
    view();
    EXPECT_EQ(fleet.memory.proxies.size(), 1U);
    EXPECT_TRUE(fleet.memory.proxies.contains("named"));
}

TEST_F(FleetViewTest, ReserveCarriesEveryReplicaWhereTheyAreReplacedUntold) {
    fleet.observed.pools = {test::pool("a", 6)};
    fleet.add("pa", "a");
    EXPECT_EQ(view().front().line.pools.front().reserve, 3);
    fleet.observed.replaced_untold = true;
    EXPECT_EQ(view().front().line.pools.front().reserve, 8);
}

TEST_F(FleetViewTest, BudgetTakesTheMostCarefulTerms) {
    fleet.observed.pools = {test::pool("a"), test::pool("b")};
    fleet.observed.pools[0].spec.budget.headroom_connections = 20;
    fleet.observed.pools[1].spec.budget.max_server_connections_percent = 90;
    fleet.add("pa", "a");
    fleet.report("pa").facts->others = 10;
    const auto views = view();
    EXPECT_EQ(views[0].others, 11);
    EXPECT_EQ(views[0].budget, (Ceiling{97 - 11 - 20, LimitedBy::Headroom}));
}

TEST_F(FleetViewTest, TagsThatNobodyListsAreGhosts) {
    fleet.observed.pools = {test::pool("a")};
    fleet.add("pa", "a");
    fleet.report("pa").facts->seen = {{"penstock/pa", 4}, {"penstock/lost", 7}};
    const auto views = view();
    EXPECT_EQ(views[0].line.ghosts, 7);
    EXPECT_EQ(views[0].line.pools[0].proxies[0].charge, 4);
}

TEST_F(FleetViewTest, EndedProxyIsChargedUntilTheDatabaseShowsItGone) {
    fleet.observed.pools = {test::pool("a")};
    fleet.add("pa", "a");
    fleet.add("pb", "a");
    fleet.report("pa").granted = 9;
    fleet.report("pb").facts->seen = {{"penstock/pa", 6}};
    view();
    fleet.at("pa").phase = ProxyPhase::Gone;
    fleet.at("pa").ended = fleet.now + 500ms;
    auto views = view();
    EXPECT_EQ(views[0].line.pools[0].proxies[0].charge, 9);
    views = view();
    EXPECT_EQ(views[0].line.pools[0].proxies[0].charge, 6);
    EXPECT_FALSE(views[0].pools[0].proxies[0].confirmed_gone);
    fleet.report("pb").facts->seen.clear();
    views = view();
    EXPECT_EQ(views[0].line.pools[0].proxies[0].charge, 0);
    EXPECT_TRUE(views[0].pools[0].proxies[0].confirmed_gone);
}

TEST_F(FleetViewTest, OldFactsAllowNoGrowth) {
    fleet.observed.pools = {test::pool("a")};
    fleet.add("pa", "a");
    fleet.rounds(4);
    EXPECT_TRUE(view()[0].line.may_grow);
    fleet.report("pa").facts->age_ms = 6000;
    for (int i = 0; i < 6; ++i) view();
    const auto views = view();
    EXPECT_FALSE(views[0].fresh);
    EXPECT_FALSE(views[0].line.may_grow);
    EXPECT_GT(views[0].budget.connections, 0);
}

TEST_F(FleetViewTest, ReportOfAnotherProcessIsNotTaken) {
    fleet.observed.pools = {test::pool("a")};
    fleet.add("pa", "a");
    fleet.report("pa").proxy_id = "another";
    fleet.report("pa").granted = 50;
    EXPECT_EQ(view()[0].line.pools[0].proxies[0].charge, 1);
}

}  // namespace
}  // namespace penstock::domain
