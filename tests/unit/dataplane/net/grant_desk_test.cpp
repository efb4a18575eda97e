#include "dataplane/net/grant_desk.hpp"

#include <gtest/gtest.h>

namespace penstock::net {
namespace {

class GrantDeskTest : public ::testing::Test {
 protected:
    static api::DataplaneConfig document(std::int32_t server_connections) {
        api::DataplaneConfig document;
        document.server_connections = server_connections;
        return document;
    }
    static api::Grant grant(std::uint64_t epoch, std::uint64_t sequence, std::int32_t servers) {
        return {epoch, sequence, servers, std::nullopt};
    }

    pool::Board board_{2, 1};
};

TEST_F(GrantDeskTest, TheConfigurationCountsUntilTheFirstGrant) {
    GrantDesk desk(board_, document(7));
    EXPECT_EQ(board_.limit(), 7);
    desk.configure(document(9));
    EXPECT_EQ(board_.limit(), 9);
    ASSERT_TRUE(desk.take(grant(1, 1, 4)));
    desk.configure(document(11));
    EXPECT_EQ(board_.limit(), 4);
    EXPECT_EQ(desk.server_connections(), 4);
}

TEST_F(GrantDeskTest, ZeroConnectionsKeepTheNumberInForce) {
    GrantDesk desk(board_, document(7));
    ASSERT_TRUE(desk.take(grant(1, 1, 0)));
    EXPECT_EQ(board_.limit(), 7);
    ASSERT_TRUE(desk.take(grant(1, 2, 4)));
    ASSERT_TRUE(desk.take(grant(2, 1, 0)));
    EXPECT_EQ(board_.limit(), 4);
    EXPECT_EQ(desk.epoch(), 2U);
    EXPECT_FALSE(desk.take(grant(1, 3, 9)));
}

TEST_F(GrantDeskTest, OnlyANewerEpochOrSequenceIsTaken) {
    struct Case {
        std::uint64_t epoch;
        std::uint64_t sequence;
        bool taken;
    };
    constexpr std::array cases{
        Case{3, 5, true},   // the first, whatever it is
        Case{3, 5, false},  // again
        Case{3, 4, false},
        Case{2, 900, false},  // an old leader
        Case{3, 6, true},
        Case{4, 0, true},  // a new leader counts from the start
        Case{3, 7, false},
    };
    GrantDesk desk(board_, document(1));
    std::int32_t servers = 10;
    std::int32_t in_force = 1;
    for (const Case& each : cases) {
        SCOPED_TRACE(std::to_string(each.epoch) + ", " + std::to_string(each.sequence));
        EXPECT_EQ(desk.take(grant(each.epoch, each.sequence, ++servers)), each.taken);
        if (each.taken) in_force = servers;
        EXPECT_EQ(board_.limit(), in_force);
    }
    EXPECT_EQ(desk.epoch(), 4U);
    EXPECT_EQ(desk.sequence(), 0U);
}

TEST_F(GrantDeskTest, ThrottleOfTheGrantStandsBeforeTheQueueOfTheConfiguration) {
    api::DataplaneConfig with_queue = document(5);
    with_queue.queue = api::Queue{100, 2'000};
    GrantDesk desk(board_, with_queue);
    EXPECT_TRUE(board_.throttle.enforced);
    EXPECT_EQ(board_.throttle.queue_length_max, 100);
    EXPECT_EQ(board_.throttle.queue_wait_max_us, 2'000'000);
    EXPECT_EQ(board_.throttle.concurrency_max, 0);

    api::Grant policy = grant(1, 1, 5);
    policy.throttle = api::Throttle{false, 8, 20, 300};
    ASSERT_TRUE(desk.take(policy));
    EXPECT_FALSE(board_.throttle.enforced);
    EXPECT_EQ(board_.throttle.concurrency_max, 8);
    EXPECT_EQ(board_.throttle.queue_length_max, 20);
    EXPECT_EQ(board_.throttle.queue_wait_max_us, 300'000);

    ASSERT_TRUE(desk.take(grant(1, 2, 5)));
    EXPECT_TRUE(board_.throttle.enforced);
    EXPECT_EQ(board_.throttle.queue_length_max, 100);
}

TEST_F(GrantDeskTest, AnEndlessWaitDoesNotOverflow) {
    GrantDesk desk(board_, document(5));
    api::Grant policy = grant(1, 1, 5);
    policy.throttle = api::Throttle{true, 0, 0, INT32_MAX};
    ASSERT_TRUE(desk.take(policy));
    EXPECT_EQ(board_.throttle.queue_wait_max_us, INT32_MAX);
}

}  // namespace
}  // namespace penstock::net
