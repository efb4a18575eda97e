#include "operator/domain/pool_conditions.hpp"

#include "operator/domain/condition.hpp"
#include "tests/support/fleet_builder.hpp"

#include <functional>

#include <gtest/gtest.h>

namespace penstock::domain {
namespace {

using api::ConditionStatus;

struct PoolConditionsTest : ::testing::Test {
    test::Fleet fleet;
    PoolConditionsTest() {
        fleet.observed.pools = {test::pool("main")};
        fleet.add("a", "main");
    }

    const std::vector<api::Condition>& conditions() {
        return fleet.observed.pools[0].status.conditions;
    }
    const api::Condition& at(const std::string& type) { return *find(conditions(), type); }
};

TEST_F(PoolConditionsTest, HealthyPoolIsReadyAndNothingElseHappens) {
    fleet.rounds(5);
    EXPECT_EQ(fleet.reason("Ready"), "Available");
    EXPECT_EQ(fleet.reason("DatabaseReachable"), "Connected");
    EXPECT_EQ(fleet.reason("BudgetSatisfied"), "WithinCeiling");
    EXPECT_EQ(fleet.reason("GrantsCurrent"), "AllAcknowledged");
    EXPECT_EQ(find(conditions(), "Reconciling"), nullptr);
    EXPECT_EQ(find(conditions(), "Stalled"), nullptr);
}

TEST_F(PoolConditionsTest, FirstStatusHasAllConditions) {
    fleet.observed.proxies.clear();
    fleet.round();
    for (const char* type :
         {"Ready", "DatabaseReachable", "BudgetSatisfied", "GrantsCurrent", "Autosizing"})
        EXPECT_NE(find(conditions(), type), nullptr) << type;
    EXPECT_EQ(fleet.reason("Reconciling"), "ScalingOut");
    EXPECT_TRUE(has(conditions(), "DatabaseReachable", ConditionStatus::Unknown));
}

TEST_F(PoolConditionsTest, StandbyIsTold) {
    fleet.report("a").facts->in_recovery = true;
    fleet.rounds(3);
    EXPECT_EQ(at("DatabaseReachable").reason, "ConnectedToStandby");
    EXPECT_EQ(at("DatabaseReachable").status, ConditionStatus::True);
    EXPECT_NE(at("DatabaseReachable").message.find("refuses writes"), std::string::npos);
}

TEST_F(PoolConditionsTest, SomebodyElsesObjectStallsThePool) {
    fleet.observed.ownership_conflicts["default/main"] = "Service main belongs to nobody";
    fleet.round();
    EXPECT_EQ(fleet.reason("Stalled"), "OwnershipConflict");
    EXPECT_TRUE(has(conditions(), "Ready", ConditionStatus::False));
}

TEST_F(PoolConditionsTest, EachFaultHasItsReasonAndRemedy) {
    struct Case {
        const char* type;
        const char* reason;
        const char* in_message;
        std::function<void(test::Fleet&)> change;
    };
    const auto spec = [](test::Fleet& each) -> api::ConnectionPoolSpec& {
        return each.observed.pools[0].spec;
    };
    const auto no_facts = [](test::Fleet& each, const char* fault) {
        each.report("a").facts.reset();
        each.report("a").facts_error = fault;
    };
    const Case cases[] = {
        {"DatabaseReachable",
         "ConnectFailed",
         "check spec.database.host",
         [&](test::Fleet& each) { no_facts(each, "connection refused"); }},
        {"DatabaseReachable",
         "AuthenticationFailed",
         "Secret monitor",
         [&](test::Fleet& each) { no_facts(each, "password authentication failed"); }},
        {"DatabaseReachable",
         "TLSFailed",
         "spec.database.tls",
         [&](test::Fleet& each) { no_facts(each, "certificate verify failed"); }},
        {"Reconciling",
         "WaitingForDatabase",
         "connection refused",
         [&](test::Fleet& each) { no_facts(each, "connection refused"); }},
        {"Reconciling",
         "WaitingForSecret",
         "Secret default/users is missing",
         [](test::Fleet& each) {
             each.observed.missing_secrets["default/main"] = "Secret default/users is missing";
         }},
        {"Reconciling",
         "ApplyFailed",
         "no such image",
         [](test::Fleet& each) {
             each.observed.workload_faults["default/main"] = "no such image";
         }},
        {"Reconciling",
         "NewGeneration",
         "newest configuration",
         [](test::Fleet& each) { each.observed.pools[0].metadata.generation = 2; }},
        {"Reconciling",
         "RollingOut",
         "1 of 1",
         [](test::Fleet& each) { each.at("a").restart_hash = "old"; }},
        {"Reconciling",
         "ConfigRejected",
         "users.txt",
         [](test::Fleet& each) {
             each.observed.pools[0].metadata.generation = 2;
             each.report("a").config_errors = {"users.txt: no such file"};
         }},
        {"Stalled",
         "InvalidSpec",
         "spec.replicas: must",
         [](test::Fleet& each) {
             each.observed.pool_faults["default/main"] = {
                 {"spec.replicas", "must not be negative"}};
         }},
        {"Stalled",
         "BudgetImpossible",
         "spec.replicas 9",
         [&](test::Fleet& each) {
             spec(each).replicas = 9;
             spec(each).budget.max_server_connections = 5;
         }},
        {"Stalled",
         "BudgetImpossible",
         "minServerConnections 9",
         [&](test::Fleet& each) {
             spec(each).sizing.min_server_connections = 9;
             spec(each).budget.max_server_connections = 5;
         }},
        {"BudgetSatisfied",
         "HeadroomExhausted",
         "max_connections",
         [](test::Fleet& each) { each.report("a").facts->others = 97; }},
        {"BudgetSatisfied",
         "ShrinkPending",
         "give them back",
         [](test::Fleet& each) { each.report("a").servers_busy = 200; }},
        {"Autosizing",
         "Fixed",
         "Fixed",
         [&](test::Fleet& each) {
             spec(each).sizing.mode = api::SizingMode::Fixed;
             spec(each).sizing.server_connections = 4;
         }},
        {"Autosizing",
         "ObserveOnly",
         "desired",
         [&](test::Fleet& each) { spec(each).sizing.mode = api::SizingMode::Observe; }},
        {"Autosizing", "AtCeiling", "Headroom", [](test::Fleet& each) { each.load("a", 10, 500); }},
        {"Autosizing", "Active", "demand", [](test::Fleet& each) { each.load("a", 10, 0); }},
    };
    for (const Case& each : cases) {
        SCOPED_TRACE(std::string{each.type} + " " + each.reason + " " + each.in_message);
        test::Fleet one;
        one.observed.pools = {test::pool("main")};
        one.add("a", "main");
        each.change(one);
        one.rounds(10);
        const api::Condition* found = find(one.observed.pools[0].status.conditions, each.type);
        ASSERT_NE(found, nullptr);
        EXPECT_EQ(found->reason, each.reason);
        EXPECT_NE(found->message.find(each.in_message), std::string::npos) << found->message;
        const bool blocks = std::string_view{each.type} == "Reconciling" ||
                            std::string_view{each.type} == "Stalled";
        if (blocks) {
            EXPECT_TRUE(
                has(one.observed.pools[0].status.conditions, "Ready", ConditionStatus::False)
            );
        }
    }
}

TEST_F(PoolConditionsTest, SilentProxyKeepsItsGrantAndIsNamed) {
    fleet.rounds(5);
    fleet.silence("a");
    fleet.at("a").fault = "connection reset";
    fleet.rounds(10);
    EXPECT_EQ(fleet.reason("GrantsCurrent"), "ProxySilent");
    EXPECT_NE(at("GrantsCurrent").message.find("connection reset"), std::string::npos);
}

TEST_F(PoolConditionsTest, LostProxyDoesNotMakeAServingPoolUnready) {
    fleet.observed.pools[0].spec.replicas = 2;
    fleet.add("b", "main");
    fleet.rounds(5);
    ASSERT_EQ(fleet.reason("Ready"), "Available");
    fleet.at("b").phase = ProxyPhase::Gone;
    fleet.at("b").ended = fleet.now;
    fleet.rounds(5);
    EXPECT_EQ(fleet.reason("Ready"), "Available");
    EXPECT_EQ(find(conditions(), "Reconciling"), nullptr);
}

TEST_F(PoolConditionsTest, ResizesNeverTouchReady) {
    fleet.rounds(5);
    const std::string since = at("Ready").last_transition_time;
    for (int i = 0; i < 60; ++i) {
        fleet.load("a", 10, i % 10 == 0 ? 500 : 0);
        fleet.round();
        ASSERT_EQ(at("Ready").last_transition_time, since);
        ASSERT_EQ(find(conditions(), "Reconciling"), nullptr);
    }
}

}  // namespace
}  // namespace penstock::domain
