#include "operator/domain/peak.hpp"

#include <gtest/gtest.h>

namespace penstock::domain {
namespace {

using namespace std::chrono_literals;
constexpr Time start{};

TEST(Peak, RisesAtOnceAndFallsWhenThePeakIsOld) {
    Peak peak;
    EXPECT_EQ(peak.over(10s, start), 0);
    peak.add(5, start);
    peak.add(9, start + 1s);
    peak.add(3, start + 2s);
    EXPECT_EQ(peak.over(10s, start + 2s), 9);
    EXPECT_EQ(peak.over(10s, start + 11s), 9);
    EXPECT_EQ(peak.over(10s, start + 12s), 3);
    EXPECT_EQ(peak.over(10s, start + 13s), 0);
}

TEST(Peak, WindowOfZeroIsThePresent) {
    Peak peak;
    peak.add(9, start);
    peak.add(2, start + 1s);
    EXPECT_EQ(peak.over(0s, start + 1s), 2);
}

}  // namespace
}  // namespace penstock::domain
