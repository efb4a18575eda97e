#include "operator/runtime/time_text.hpp"

#include <gtest/gtest.h>

namespace penstock::runtime {
namespace {

using namespace std::chrono_literals;

TEST(TimeText, MicroTimeHasSixDigitsAndZ) {
    EXPECT_EQ(to_micro_time(WallTime{}), "1970-01-01T00:00:00.000000Z");
    EXPECT_EQ(to_micro_time(WallTime{1'764'086'915s + 1us}), "2025-11-25T16:08:35.000001Z");
    EXPECT_EQ(to_micro_time(WallTime{951'782'400s}), "2000-02-29T00:00:00.000000Z");
}

}  // namespace
}  // namespace penstock::runtime
