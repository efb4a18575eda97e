#include "operator/domain/events.hpp"

#include <algorithm>

#include <gtest/gtest.h>

namespace penstock::domain {
namespace {

using api::ConditionStatus;

std::vector<std::string> reasons(const std::vector<Event>& events) {
    std::vector<std::string> list;
    for (const Event& event : events) list.push_back(event.reason);
    return list;
}

api::ConnectionPoolStatus status(
    std::int32_t granted, const std::string& type, ConditionStatus value, const std::string& reason
) {
    api::ConnectionPoolStatus status;
    status.observed_generation = 1;
    status.replicas = 2;
    status.limited_by = "Demand";
    status.budget = api::BudgetStatus{100, 3, granted, 0};
    status.conditions = {{type, value, 1, "T", reason, "words"}};
    return status;
}

using Reasons = std::vector<std::string>;

TEST(Events, NothingForNoChange) {
    const auto one = status(10, "DatabaseReachable", ConditionStatus::True, "Connected");
    EXPECT_TRUE(pool_events("default/main", one, one).empty());
}

TEST(Events, DatabaseComesAndGoes) {
    const auto up = status(10, "DatabaseReachable", ConditionStatus::True, "Connected");
    const auto down = status(10, "DatabaseReachable", ConditionStatus::False, "ConnectFailed");
    const auto lost = pool_events("default/main", up, down);
    EXPECT_EQ(reasons(lost), Reasons{"DatabaseUnreachable"});
    EXPECT_EQ(lost[0].type, EventType::Warning);
    EXPECT_EQ(lost[0].key, "default/main");
    EXPECT_EQ(lost[0].note, "words");
    EXPECT_EQ(reasons(pool_events("default/main", down, up)), Reasons{"DatabaseReachable"});
}

TEST(Events, ResizesBeyondAQuarterOrAtABound) {
    const auto ten = status(10, "Ready", ConditionStatus::True, "Available");
    auto more = ten;
    more.budget->granted = 12;
    EXPECT_TRUE(pool_events("p", ten, more).empty());
    more.budget->granted = 13;
    EXPECT_EQ(reasons(pool_events("p", ten, more)), Reasons{"PoolResized"});
    more.budget->granted = 11;
    more.limited_by = "Headroom";
    EXPECT_EQ(reasons(pool_events("p", ten, more)), Reasons{"PoolResized"});
}

TEST(Events, LowerCeilingIsAWarning) {
    const auto before = status(10, "Ready", ConditionStatus::True, "Available");
    auto after = before;
    after.budget->ceiling = 80;
    EXPECT_EQ(reasons(pool_events("p", before, after)), Reasons{"CeilingLowered"});
}

TEST(Events, RolloutAndScaling) {
    const auto before = status(10, "Reconciling", ConditionStatus::True, "RollingOut");
    auto after = status(10, "Ready", ConditionStatus::True, "Available");
    after.replicas = 3;
    EXPECT_EQ(
        reasons(pool_events("p", before, after)), (Reasons{"RolloutCompleted", "ReplicasScaled"})
    );
}

TEST(Events, EveryWarningIsAConditionToo) {
    const auto before = status(10, "Ready", ConditionStatus::True, "Available");
    struct Case {
        const char* type;
        ConditionStatus value;
        const char* reason;
    };
    for (const Case& each : {
             Case{"Stalled", ConditionStatus::True, "InvalidSpec"},
             Case{"BudgetSatisfied", ConditionStatus::False, "ShrinkPending"},
             Case{"GrantsCurrent", ConditionStatus::False, "ConfigRejected"},
         })
        EXPECT_EQ(
            reasons(pool_events("p", before, status(10, each.type, each.value, each.reason))),
            Reasons{each.reason}
        );
}

TEST(Events, PolicyStartsAndStopsThrottling) {
    api::BackpressureStatus open;
    open.conditions = {{"Throttling", ConditionStatus::False, 1, "T", "WithinTarget", ""}};
    api::BackpressureStatus held;
    held.conditions = {{"Throttling", ConditionStatus::True, 1, "T", "LatencyAboveTarget", ""}};
    EXPECT_EQ(reasons(policy_events("p", open, held)), Reasons{"ThrottlingStarted"});
    EXPECT_EQ(reasons(policy_events("p", held, open)), Reasons{"ThrottlingStopped"});
    EXPECT_TRUE(policy_events("p", held, held).empty());
}

TEST(Events, EndOfAProxyNamesItsFault) {
    Proxy proxy;
    proxy.id = "a";
    proxy.pool = "default/main";
    proxy.fault = "signal 9";
    EXPECT_EQ(proxy_ended(proxy).note, "proxy a ended by itself: signal 9");
}

}  // namespace
}  // namespace penstock::domain
