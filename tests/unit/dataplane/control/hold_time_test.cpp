#include "dataplane/control/hold_time.hpp"

#include <gtest/gtest.h>

namespace penstock::control {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class HoldTimeTest : public testing::Test {
 protected:
    HoldTime::TimePoint now{std::chrono::hours(1)};
    HoldTime hold{seconds(10)};
};

TEST_F(HoldTimeTest, KnowsNothingAtFirst) { EXPECT_EQ(hold.mean_us(now), 0); }

TEST_F(HoldTimeTest, IsTheMeanOfWhatEnded) {
    hold.add(milliseconds(10), now);
    EXPECT_EQ(hold.mean_us(now), 10'000);
    hold.add(milliseconds(30), now);
    EXPECT_EQ(hold.mean_us(now), 20'000);
}

TEST_F(HoldTimeTest, FewTransactionsInAQuietTimeDoNotChangeIt) {
    for (int i = 0; i < 100; ++i) hold.add(milliseconds(10), now);
    now += seconds(20);
    EXPECT_NEAR(static_cast<double>(hold.mean_us(now)), 10'000, 10);
}

TEST_F(HoldTimeTest, ForgetsWhatIsLongPast) {
    hold.add(milliseconds(10), now);
    now += seconds(1);
    EXPECT_EQ(hold.mean_us(now), 0);
    for (int i = 0; i < 100; ++i) hold.add(seconds(1), now);
    now += seconds(60);
    EXPECT_EQ(hold.mean_us(now), 0);
    for (int i = 0; i < 10; ++i) hold.add(milliseconds(1), now);
    EXPECT_LT(hold.mean_us(now), 50'000);
}

TEST_F(HoldTimeTest, FollowsAPoolThatBecomesSlow) {
    for (int i = 0; i < 1'000; ++i) {
        now += milliseconds(10);
        hold.add(milliseconds(1), now);
    }
    EXPECT_NEAR(static_cast<double>(hold.mean_us(now)), 1'000, 10);
    for (int i = 0; i < 300; ++i) {
        now += milliseconds(100);
        hold.add(milliseconds(100), now);
    }
    EXPECT_GT(hold.mean_us(now), 60'000);
}

}  // namespace
}  // namespace penstock::control
