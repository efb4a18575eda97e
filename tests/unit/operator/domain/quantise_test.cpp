#include "operator/domain/quantise.hpp"

#include <gtest/gtest.h>

namespace penstock::domain {
namespace {

TEST(Quantise, BreathingKeepsTheNumberBefore) {
    EXPECT_EQ(sticky(105, 100, 10, 1), 100);
    EXPECT_EQ(sticky(111, 100, 10, 1), 111);
    EXPECT_EQ(sticky(89, 100, 10, 1), 89);
    EXPECT_EQ(sticky(1, 0, 10, 1), 0);
    EXPECT_EQ(sticky(2, 0, 10, 1), 2);
}

TEST(Quantise, StepsOfOneTwoFive) {
    EXPECT_EQ(one_two_five(0), 0);
    EXPECT_EQ(one_two_five(1), 1);
    EXPECT_EQ(one_two_five(3), 5);
    EXPECT_EQ(one_two_five(6), 10);
    EXPECT_EQ(one_two_five(201), 500);
}

}  // namespace
}  // namespace penstock::domain
