#include "dataplane/control/rate.hpp"

#include <gtest/gtest.h>

namespace penstock::control {
namespace {

using std::chrono::milliseconds;

class RateTest : public testing::Test {
 protected:
    void run(int events_per_turn, milliseconds turn, int turns) {
        for (int i = 0; i < turns; ++i) {
            for (int event = 0; event < events_per_turn; ++event) rate.add();
            now += turn;
            rate.update(now);
        }
    }

    Rate rate{std::chrono::seconds(1)};
    Rate::TimePoint now{std::chrono::hours(1)};
};

TEST_F(RateTest, IsZeroUntilTimePassed) {
    EXPECT_EQ(rate.per_second(), 0);
    rate.add();
    rate.update(now);
    EXPECT_EQ(rate.per_second(), 0);
    rate.add();
    rate.update(now);
    EXPECT_EQ(rate.per_second(), 0);
}

TEST_F(RateTest, IsRightFromTheFirstSecondOn) {
    rate.update(now);
    run(5, milliseconds(50), 2);
    EXPECT_NEAR(rate.per_second(), 100, 0.1);
    run(5, milliseconds(50), 200);
    EXPECT_NEAR(rate.per_second(), 100, 0.1);
}

TEST_F(RateTest, DecaysWithTimeNotWithTheNumberOfUpdates) {
    rate.update(now);
    run(10, milliseconds(100), 100);
    Rate seldom = rate;
    run(0, milliseconds(100), 10);
    seldom.update(now);
    EXPECT_NEAR(rate.per_second(), 100 / 2.71828, 0.5);
    EXPECT_NEAR(seldom.per_second(), rate.per_second(), 0.5);
}

TEST_F(RateTest, ReadingDoesNotChangeIt) {
    rate.update(now);
    run(10, milliseconds(100), 10);
    const double once = rate.per_second();
    EXPECT_EQ(rate.per_second(), once);
}

TEST_F(RateTest, TimeThatStandsStillChangesNothing) {
    rate.update(now);
    run(10, milliseconds(100), 10);
    const double before = rate.per_second();
    rate.add();
    rate.update(now);
    EXPECT_EQ(rate.per_second(), before);
}

}  // namespace
}  // namespace penstock::control
