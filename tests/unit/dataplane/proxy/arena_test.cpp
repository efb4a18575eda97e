#include "dataplane/proxy/arena.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace penstock::proxy {
namespace {

TEST(Arena, ViewsHoldUntilReset) {
    Arena arena;
    std::vector<std::pair<std::string, std::string_view>> all;
    for (std::size_t i = 0; i < 2'000; ++i) {
        const std::string text(i % 100, static_cast<char>('a' + i % 26));
        all.emplace_back(text, arena.copy(text));
    }
    for (const std::size_t size : {16'384, 16'385, 100'000}) {
        const std::string text(size, 'L');
        all.emplace_back(text, arena.copy(text));
    }
    for (const auto& [text, view] : all) EXPECT_EQ(view, text);
}

TEST(Arena, RoomIsUsedAgainAfterReset) {
    Arena arena;
    const char* const first = arena.copy("first").data();
    for (int i = 0; i < 10; ++i) arena.allocate(10'000);
    arena.reset();
    EXPECT_EQ(arena.copy("again").data(), first);
    EXPECT_EQ(arena.copy("behind").data(), first + 5);
    EXPECT_EQ(arena.copy("").size(), 0U);
    EXPECT_EQ(arena.copy(std::string_view()).size(), 0U);
}

}  // namespace
}  // namespace penstock::proxy
