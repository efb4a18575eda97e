#include "operator/domain/condition.hpp"

#include <gtest/gtest.h>

namespace penstock::domain {
namespace {

using api::ConditionStatus;

TEST(Condition, TimeMovesOnlyWhenTheStatusTurns) {
    const std::vector<api::Condition> nothing;
    Conditions first(nothing, 1, "T1");
    first.set("Ready", ConditionStatus::False, "Progressing", "one");
    const std::vector<api::Condition> before = first.list();
    EXPECT_EQ(before.front().last_transition_time, "T1");

    Conditions second(before, 2, "T2");
    second.set("Ready", ConditionStatus::False, "Waiting", "two");
    EXPECT_EQ(second.list().front().last_transition_time, "T1");
    EXPECT_EQ(second.list().front().reason, "Waiting");
    EXPECT_EQ(second.list().front().observed_generation, 2);

    Conditions third(before, 2, "T3");
    third.set("Ready", ConditionStatus::True, "Available", "three");
    EXPECT_EQ(third.list().front().last_transition_time, "T3");
}

TEST(Condition, IsFoundByType) {
    const std::vector<api::Condition> list{{"Ready", ConditionStatus::True, 1, "T", "A", ""}};
    EXPECT_TRUE(has(list, "Ready", ConditionStatus::True));
    EXPECT_FALSE(has(list, "Ready", ConditionStatus::False));
    EXPECT_FALSE(has(list, "Stalled", ConditionStatus::False));
    EXPECT_EQ(find(list, "Stalled"), nullptr);
}

}  // namespace
}  // namespace penstock::domain
