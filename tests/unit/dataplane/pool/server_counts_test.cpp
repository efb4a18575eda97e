#include "dataplane/pool/server_counts.hpp"

#include <gtest/gtest.h>

namespace penstock::pool {
namespace {

using std::chrono::milliseconds;

constexpr ServerCounts::Owner of_app{"app", "orders"};
constexpr ServerCounts::Owner elsewhere{"app", "stock"};
constexpr ServerCounts::Owner stranger{"other", "orders"};
const ServerCounts::TimePoint start{std::chrono::hours(1)};

TEST(ServerCounts, WithoutLimitsAllMayBeOpenedAndNothingIsKept) {
    ServerCounts counts;
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(counts.take(of_app, {}, false, start));
    EXPECT_EQ(counts.names(), 2U);
    for (int i = 0; i < 3; ++i) counts.give(of_app);
    EXPECT_EQ(counts.names(), 0U);
}

TEST(ServerCounts, EachLimitCountsItsOwnName) {
    ServerCounts counts;
    ASSERT_TRUE(counts.take(of_app, {}, false, start));
    EXPECT_FALSE(counts.take(elsewhere, {.per_user = 1}, false, start));
    EXPECT_TRUE(counts.take(stranger, {.per_user = 1}, false, start));
    EXPECT_FALSE(counts.take(of_app, {.per_user = 0, .per_database = 2}, false, start));
    EXPECT_TRUE(counts.take(elsewhere, {.per_user = 0, .per_database = 2}, false, start));
}

TEST(ServerCounts, APoolWithoutAServerIsGivenTheNextOne) {
    const ServerLimits limits{.per_user = 2, .per_database = 0};
    ServerCounts counts;
    ASSERT_TRUE(counts.take(of_app, limits, true, start));
    ASSERT_TRUE(counts.take(of_app, limits, false, start));
    EXPECT_FALSE(counts.anybody_waits(start));
    EXPECT_FALSE(counts.must_go(of_app, limits, start));
    EXPECT_FALSE(counts.take(elsewhere, limits, true, start));
    EXPECT_TRUE(counts.anybody_waits(start));
    EXPECT_FALSE(counts.must_go(stranger, limits, start));
    EXPECT_TRUE(counts.must_go(of_app, limits, start));
    EXPECT_FALSE(counts.must_go(of_app, limits, start)) << "one is going";
    counts.give(of_app);
    EXPECT_FALSE(counts.take(of_app, limits, false, start)) << "it is kept for the other";
    EXPECT_TRUE(counts.take(elsewhere, limits, true, start));
    EXPECT_FALSE(counts.must_go(of_app, limits, start));
}

TEST(ServerCounts, WhoStopsAskingIsForgotten) {
    const ServerLimits limits{.per_user = 1, .per_database = 0};
    ServerCounts counts;
    ASSERT_TRUE(counts.take(of_app, limits, true, start));
    EXPECT_FALSE(counts.take(elsewhere, limits, true, start));
    const auto later = start + milliseconds(600);
    EXPECT_FALSE(counts.anybody_waits(later));
    EXPECT_FALSE(counts.must_go(of_app, limits, later));
    counts.give(of_app);
    EXPECT_TRUE(counts.take(of_app, limits, false, later));
}

TEST(ServerCounts, LoweredLimitsSendAsManyAsAreTooMany) {
    ServerCounts counts;
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(counts.take(of_app, {}, false, start));
    const ServerLimits limits{.per_user = 0, .per_database = 2};
    EXPECT_TRUE(counts.any_over(limits));
    EXPECT_TRUE(counts.must_go(of_app, limits, start));
    EXPECT_FALSE(counts.any_over(limits));
    EXPECT_FALSE(counts.must_go(of_app, limits, start));
}

}  // namespace
}  // namespace penstock::pool
