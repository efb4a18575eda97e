#include "operator/host/restart_delay.hpp"

#include <gtest/gtest.h>

namespace penstock::host {
namespace {

using namespace std::chrono_literals;

constexpr RestartDelay::Time start{1h};

TEST(RestartDelay, FirstEndIsFollowedByAStartAtOnce) {
    RestartDelay delay;
    EXPECT_TRUE(delay.may_start(start));
    delay.ended(start, start + 1s);
    EXPECT_TRUE(delay.may_start(start + 1s));
}

TEST(RestartDelay, EndsInARowWaitLongerAndLonger) {
    RestartDelay delay;
    for (const auto wait :
         {0ms, 500ms, 1000ms, 2000ms, 4000ms, 8000ms, 16000ms, 30000ms, 30000ms}) {
        delay.ended(start, start);
        EXPECT_EQ(delay.not_before(), start + wait);
    }
    EXPECT_EQ(delay.ends(), 9);
}

TEST(RestartDelay, OneThatLivedWellStartsTheCountAnew) {
    RestartDelay delay;
    for (int i = 0; i < 5; ++i) delay.ended(start, start);
    delay.ended(start, start + 60s);
    EXPECT_TRUE(delay.may_start(start + 60s));
    EXPECT_EQ(delay.ends(), 1);
}

}  // namespace
}  // namespace penstock::host
