#include "operator/runtime/token_bucket.hpp"

#include <gtest/gtest.h>

namespace penstock::runtime {
namespace {

using namespace std::chrono_literals;

TEST(TokenBucket, GivesABurstThenARate) {
    TokenBucket bucket(20.0, 3.0);
    TokenBucket::Time now{5s};
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(bucket.take(now));
    EXPECT_FALSE(bucket.take(now));
    const auto next = bucket.next(now);
    EXPECT_GT(next, now + 49ms);
    EXPECT_LT(next, now + 51ms);
    EXPECT_TRUE(bucket.take(next));
    EXPECT_FALSE(bucket.take(next));
    int given = 0;
    for (now = next; now < next + 10s; now += 1ms) given += bucket.take(now) ? 1 : 0;
    EXPECT_NEAR(given, 200, 2);
}

TEST(TokenBucket, FillsNoHigherThanTheBurst) {
    TokenBucket bucket(20.0, 2.0);
    EXPECT_TRUE(bucket.take(TokenBucket::Time{0s}));
    const TokenBucket::Time later{3600s};
    EXPECT_EQ(bucket.next(later), later);
    EXPECT_TRUE(bucket.take(later));
    EXPECT_TRUE(bucket.take(later));
    EXPECT_FALSE(bucket.take(later));
}

}  // namespace
}  // namespace penstock::runtime
