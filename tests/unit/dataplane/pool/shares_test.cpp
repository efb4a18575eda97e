#include "dataplane/pool/shares.hpp"

#include <gtest/gtest.h>

namespace penstock::pool {
namespace {

class SharesTest : public testing::Test {
 protected:
    Shares shares{2};
    Share& a = shares.join("a");
    Share& b = shares.join("b");
    Share& c = shares.join("c");
};

TEST_F(SharesTest, OnePoolHasOneShareInAllWorkers) {
    EXPECT_EQ(&shares.join("a"), &a);
    EXPECT_NE(a.id, b.id);
    a.idle_workers = a.wanting_workers = 3;
    EXPECT_EQ(shares.leave(a, 0), 0);
    EXPECT_EQ(a.idle_workers, 2U);
    EXPECT_TRUE(shares.reserve(a.id));
    const std::uint32_t id = a.id;
    EXPECT_EQ(shares.leave(a, 1), 1) << "a permit was kept for it";
    EXPECT_FALSE(shares.reserve(id));
    const Share& again = shares.join("a");
    EXPECT_GT(again.id, c.id) << "an id that is past is nobody's";
    EXPECT_EQ(again.idle_workers, 0U);
    EXPECT_EQ(again.wanting_workers, 0U);
    EXPECT_EQ(again.reserved, 0);
}

TEST_F(SharesTest, WhatALoginMetIsKnownToAllUntilTheyLeave) {
    shares.login_failed(a, {true, "FATAL", "28000", "no"}, 7);
    EXPECT_EQ(a.failing_until_us, 7);
    EXPECT_EQ(shares.failure(shares.join("a")).message, "no");
    EXPECT_EQ(b.failing_until_us, 0);
    EXPECT_EQ(shares.leave(a, 0), 0);
    EXPECT_EQ(a.failing_until_us, 7);
    EXPECT_EQ(shares.leave(a, 1), 0);
    EXPECT_EQ(shares.join("a").failing_until_us, 0);
}

TEST_F(SharesTest, RicherPoolGivesUpWhatWasClaimed) {
    a.servers = 5;
    EXPECT_FALSE(shares.may_have_to_give(5));
    ASSERT_TRUE(shares.claim(b, 1, 1, false));
    EXPECT_TRUE(shares.may_have_to_give(5));
    EXPECT_FALSE(shares.may_have_to_give(1));
    const Shares::Receiver receiver = shares.receiver(a);
    EXPECT_EQ(receiver.share, b.id);
    EXPECT_EQ(receiver.worker, 1U);
    EXPECT_FALSE(shares.has_claims());
    EXPECT_EQ(shares.receiver(a).share, 0U);
}

TEST_F(SharesTest, NobodyClaimsBeyondItsPart) {
    a.servers = 3;
    b.servers = 2;
    EXPECT_FALSE(shares.claim(b, 0, 4, false));
    EXPECT_FALSE(shares.has_claims());
    a.servers = 7;
    EXPECT_TRUE(shares.claim(b, 0, 10, false));
    EXPECT_EQ(shares.receiver(a).share, b.id);
    a.servers = 6;
    b.reserved = 1;
    EXPECT_EQ(shares.receiver(a).share, b.id);
    a.servers = 5;
    b.reserved = 2;
    EXPECT_EQ(shares.receiver(a).share, 0U);
}

TEST_F(SharesTest, ThePoorestComesFirst) {
    a.servers = 10;
    b.servers = 2;
    ASSERT_TRUE(shares.claim(b, 0, 1, false));
    ASSERT_TRUE(shares.claim(c, 1, 1, false));
    EXPECT_EQ(shares.receiver().share, c.id);
    EXPECT_EQ(shares.receiver().share, b.id);
    EXPECT_EQ(shares.receiver().share, 0U);
}

TEST_F(SharesTest, OnlyServerGoesToWhoHasWaitedLong) {
    a.servers = 1;
    EXPECT_FALSE(shares.claim(b, 0, 1, false));
    ASSERT_TRUE(shares.claim(b, 0, 1, true));
    EXPECT_TRUE(shares.may_have_to_give(1));
    EXPECT_EQ(shares.receiver(a).share, b.id);
}

TEST_F(SharesTest, DroppedClaimIsNobodys) {
    a.servers = 5;
    ASSERT_TRUE(shares.claim(b, 0, 1, false));
    shares.drop_claim(b);
    EXPECT_FALSE(shares.has_claims());
    EXPECT_EQ(shares.receiver(a).share, 0U);
}

TEST_F(SharesTest, ReservedPermitIsTakenOnce) {
    EXPECT_FALSE(b.take_reserved());
    b.reserved = 1;
    EXPECT_TRUE(b.take_reserved());
    EXPECT_FALSE(b.take_reserved());
}

}  // namespace
}  // namespace penstock::pool
