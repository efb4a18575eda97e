#include "operator/runtime/watch_lines.hpp"

#include "tests/support/every_split.hpp"

#include <gmock/gmock.h>

namespace penstock::runtime {
namespace {

using testing::ElementsAre;

std::vector<std::string> lines_of(WatchLines& lines, const std::vector<std::string_view>& pieces) {
    std::vector<std::string> result;
    for (const std::string_view piece : pieces) {
        lines.feed(piece);
        while (const auto line = lines.next()) result.emplace_back(*line);
    }
    return result;
}

TEST(WatchLines, LinesAreTheSameHoweverTheyArrive) {
    for (const std::string_view bytes : {"ab\ncd\n\nx", "a\r\n\nbc\n\r\n"}) {
        WatchLines whole;
        const auto expected = lines_of(whole, {bytes});
        test::for_each_split(bytes, [&](const std::vector<std::string_view>& pieces) {
            WatchLines torn;
            EXPECT_EQ(lines_of(torn, pieces), expected);
        });
    }
}

TEST(WatchLines, EmptyLinesAndCarriageReturnsAreLeftOut) {
    WatchLines lines;
    EXPECT_THAT(lines_of(lines, {"\n\na\r\n\r\nb\nrest"}), ElementsAre("a", "b"));
    EXPECT_THAT(lines_of(lines, {"!\n"}), ElementsAre("rest!"));
}

TEST(WatchLines, LineOverTheLimitEndsIt) {
    for (const bool is_ended : {true, false}) {
        WatchLines lines(4);
        EXPECT_THAT(
            lines_of(lines, {is_ended ? "abcd\nabcde\nx\n" : "abcd\nabcde"}), ElementsAre("abcd")
        );
        EXPECT_TRUE(lines.is_overlong());
        EXPECT_THAT(lines_of(lines, {"\nx\n"}), ElementsAre());
        lines.clear();
        EXPECT_FALSE(lines.is_overlong());
        EXPECT_THAT(lines_of(lines, {"x\n"}), ElementsAre("x"));
    }
}

}  // namespace
}  // namespace penstock::runtime
