#include "dataplane/pool/fair.hpp"

#include <vector>

#include <gtest/gtest.h>

namespace penstock::pool {
namespace {

TEST(Fair, ThePoorGetFromTheRichUntilTheyHaveAsMuch) {
    struct Case {
        std::vector<std::int32_t> others;
        std::int32_t own;
        std::int32_t wanted;
        std::int32_t due;
    };
    const Case cases[]{
        {{}, 0, 5, 0},
        {{20}, 0, 1, 1},
        {{20}, 0, 0, 0},
        {{20}, 0, 100, 10},
        {{19}, 1, 100, 9},
        {{10}, 10, 5, 0},
        {{11}, 10, 5, 0},
        {{12}, 10, 5, 1},
        {{2}, 0, 1, 1},
        // Its only one is nobody's to give.
        {{1}, 0, 1, 0},
        {{1, 1, 1}, 0, 1, 0},
        {{5, 5, 5, 5}, 0, 100, 4},
        {{17, 1, 1}, 0, 100, 8},
        {{9, 9}, 0, 100, 6},
        {{0, 0}, 0, 3, 0},
    };
    for (const Case& c : cases) {
        EXPECT_EQ(servers_due(c.others, c.own, c.wanted), c.due) << &c - cases;
    }
}

// A pool that has waited long for its first one counts as poorer than one with a single server.
TEST(Fair, TheFirstOneMayBeAnothersOnlyOne) { EXPECT_EQ(servers_due(std::vector{1, 1}, -1, 1), 1); }

}  // namespace
}  // namespace penstock::pool
