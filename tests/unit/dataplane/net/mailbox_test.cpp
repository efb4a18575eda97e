#include "dataplane/net/mailbox.hpp"

#include <string>
#include <thread>

#include <gtest/gtest.h>
#include <poll.h>

namespace penstock::net {
namespace {

class MailboxTest : public ::testing::Test {
 protected:
    bool is_readable(int wait_ms = 0) const {
        pollfd state{mailbox_.fd(), POLLIN, 0};
        return ::poll(&state, 1, wait_ms) == 1;
    }

    Mailbox mailbox_;
    std::string ran_;
};

TEST_F(MailboxTest, RunsInOrderAndIsReadableMeanwhile) {
    EXPECT_FALSE(is_readable());
    mailbox_.run();
    for (const char letter : {'a', 'b', 'c'}) mailbox_.post([this, letter] { ran_ += letter; });
    EXPECT_TRUE(is_readable());
    mailbox_.run();
    EXPECT_EQ(ran_, "abc");
    EXPECT_FALSE(is_readable());
}

TEST_F(MailboxTest, WhatIsPostedWhileItRunsComesNextTime) {
    mailbox_.post([this] {
        ran_ += 'a';
        mailbox_.post([this] { ran_ += 'b'; });
    });
    mailbox_.run();
    EXPECT_EQ(ran_, "a");
    EXPECT_TRUE(is_readable());
    mailbox_.run();
    EXPECT_EQ(ran_, "ab");
}

TEST_F(MailboxTest, WhatNeverRanGoesWithIt) {
    auto held = std::make_shared<int>(1);
    const std::weak_ptr<int> seen = held;
    {
        Mailbox other;
        other.post([held = std::move(held)] {});
        EXPECT_FALSE(seen.expired());
    }
    EXPECT_TRUE(seen.expired());
}

TEST_F(MailboxTest, NothingIsLostBetweenThreads) {
    constexpr int each = 10'000;
    int count = 0;
    const auto post = [&] {
        for (int i = 0; i < each; ++i) mailbox_.post([&count] { ++count; });
    };
    std::thread first(post);
    std::thread second(post);
    while (count < 2 * each && is_readable(10'000)) mailbox_.run();
    first.join();
    second.join();
    EXPECT_EQ(count, 2 * each);
}

}  // namespace
}  // namespace penstock::net
