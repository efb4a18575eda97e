#include "dataplane/net/poller.hpp"

#include <array>
#include <vector>

#include <gtest/gtest.h>
#include <sys/socket.h>

namespace penstock::net {
namespace {

using std::chrono::milliseconds;

// A pair of connected sockets, one of which is watched.
class PollerTest : public ::testing::Test {
 protected:
    PollerTest() {
        std::array<int, 2> pair{};
        EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair.data()), 0);
        ours_ = UniqueFd(pair[0]);
        theirs_ = UniqueFd(pair[1]);
    }
    // The events of one wait; 0: none came.
    std::uint32_t wait(milliseconds at_most = milliseconds(0)) {
        std::uint32_t all = 0;
        poller_.wait(at_most, [&](void* who, std::uint32_t events) {
            EXPECT_EQ(who, this);
            all |= events;
        });
        return all;
    }

    UniqueFd ours_;
    UniqueFd theirs_;
    Poller poller_;
};

TEST_F(PollerTest, EachChangeIsToldOnce) {
    ASSERT_TRUE(poller_.add(ours_.get(), this, Poller::changes));
    EXPECT_EQ(wait(), EPOLLOUT);
    EXPECT_EQ(wait(), 0U);
    ::send(theirs_.get(), "a", 1, 0);
    EXPECT_NE(wait() & EPOLLIN, 0U);
    EXPECT_EQ(wait(), 0U);  // although nobody has read it
    ::send(theirs_.get(), "b", 1, 0);
    EXPECT_NE(wait() & EPOLLIN, 0U);
    theirs_.reset();
    EXPECT_NE(wait() & EPOLLRDHUP, 0U);
    EXPECT_EQ(wait(), 0U);
}

TEST_F(PollerTest, RoomToWriteIsToldAfterAWriteThatFailed) {
    ASSERT_TRUE(poller_.add(ours_.get(), this, Poller::changes));
    wait();
    const std::vector<char> much(65'536);
    while (::send(ours_.get(), much.data(), much.size(), 0) > 0) continue;
    EXPECT_EQ(wait(), 0U);
    std::vector<char> taken(65'536);
    while (::recv(theirs_.get(), taken.data(), taken.size(), 0) > 0) continue;
    EXPECT_NE(wait(milliseconds(10'000)) & EPOLLOUT, 0U);
}

TEST_F(PollerTest, InputIsToldUntilItIsRead) {
    ASSERT_TRUE(poller_.add(ours_.get(), this, Poller::input));
    EXPECT_EQ(wait(), 0U);
    ::send(theirs_.get(), "a", 1, 0);
    EXPECT_EQ(wait(), EPOLLIN);
    EXPECT_EQ(wait(), EPOLLIN);
    char byte = 0;
    ::recv(ours_.get(), &byte, 1, 0);
    EXPECT_EQ(wait(), 0U);
}

TEST_F(PollerTest, WhatIsRemovedOrClosedIsToldNoMore) {
    ASSERT_TRUE(poller_.add(ours_.get(), this, Poller::changes));
    EXPECT_FALSE(poller_.add(ours_.get(), this, Poller::changes));  // it is there already
    poller_.remove(ours_.get());
    EXPECT_EQ(wait(), 0U);
    ASSERT_TRUE(poller_.add(ours_.get(), this, Poller::changes));
    ours_.reset();
    EXPECT_EQ(wait(), 0U);
}

TEST_F(PollerTest, WaitsNoLongerThanAsked) {
    const auto before = std::chrono::steady_clock::now();
    EXPECT_EQ(wait(milliseconds(20)), 0U);
    EXPECT_GE(std::chrono::steady_clock::now() - before, milliseconds(20));
}

}  // namespace
}  // namespace penstock::net
