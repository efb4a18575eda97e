#include "operator/runtime/work_queue.hpp"

#include <gtest/gtest.h>

namespace penstock::runtime {
namespace {

using namespace std::chrono_literals;

constexpr WorkQueue::Time start{};

struct WorkQueueTest : ::testing::Test {
    WorkQueue queue{{100ms, 1s}};
};

TEST_F(WorkQueueTest, KeyAddedTwiceIsGivenOnce) {
    queue.add("a", start);
    queue.add("a", start);
    EXPECT_EQ(queue.take(start), "a");
    EXPECT_EQ(queue.take(start), std::nullopt);
}

TEST_F(WorkQueueTest, EarliestTimeWins) {
    queue.add("a", start + 5s);
    queue.add("a", start + 2s);
    queue.add("a", start + 9s);
    EXPECT_EQ(queue.next(), start + 2s);
    EXPECT_EQ(queue.take(start + 1s), std::nullopt);
    EXPECT_EQ(queue.take(start + 2s), "a");
}

TEST_F(WorkQueueTest, LongestDueComesFirst) {
    queue.add("a", start + 2s);
    queue.add("b", start + 1s);
    EXPECT_EQ(queue.take(start + 3s), "b");
    EXPECT_EQ(queue.take(start + 3s), "a");
}

TEST_F(WorkQueueTest, WhatIsAddedWhileInProgressFollows) {
    queue.add("a", start);
    queue.take(start);
    queue.add("a", start);
    EXPECT_EQ(queue.take(start), std::nullopt);
    EXPECT_EQ(queue.next(), std::nullopt);
    queue.finish("a", Done{}, start);
    EXPECT_EQ(queue.take(start), "a");
    queue.finish("a", Done{}, start);
    EXPECT_TRUE(queue.empty());
}

TEST_F(WorkQueueTest, FailuresAreRetriedAtDoublingIntervals) {
    queue.add("a", start);
    WorkQueue::Time now = start;
    for (const auto delay : {100ms, 200ms, 400ms, 800ms, 1000ms, 1000ms}) {
        ASSERT_EQ(queue.take(now), "a");
        queue.finish("a", Retry{{"", "refused"}}, now);
        EXPECT_EQ(queue.next(), now + delay);
        now += delay;
    }
    queue.take(now);
    queue.finish("a", Done{}, now);
    queue.add("a", now);
    queue.take(now);
    queue.finish("a", Retry{{"", "refused"}}, now);
    EXPECT_EQ(queue.next(), now + 100ms);
}

TEST_F(WorkQueueTest, TerminalIsNotTriedAgain) {
    queue.add("a", start);
    queue.take(start);
    queue.finish("a", Terminal{{"spec", "wrong"}}, start);
    EXPECT_TRUE(queue.empty());
}

TEST_F(WorkQueueTest, AfterLooksAgainThen) {
    queue.add("a", start);
    queue.take(start);
    queue.finish("a", After{3s}, start);
    EXPECT_EQ(queue.next(), start + 3s);
}

TEST_F(WorkQueueTest, ForgottenKeyStaysForgotten) {
    queue.add("a", start);
    queue.take(start);
    queue.forget("a");
    queue.finish("a", Retry{{"", "refused"}}, start);
    EXPECT_TRUE(queue.empty());
}

}  // namespace
}  // namespace penstock::runtime
