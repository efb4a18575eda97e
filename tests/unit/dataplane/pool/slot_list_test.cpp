#include "dataplane/pool/slot_list.hpp"

#include <vector>

#include <gtest/gtest.h>

namespace penstock::pool {
namespace {

class SlotListTest : public testing::Test {
 protected:
    auto links() {
        return [this](std::uint32_t slot) -> SlotLinks& { return slots[slot]; };
    }
    std::vector<std::uint32_t> order() {
        std::vector<std::uint32_t> all;
        for (std::uint32_t at = list.front(); at != no_slot; at = slots[at].next) all.push_back(at);
        EXPECT_EQ(all.size(), list.size());
        EXPECT_EQ(all.empty(), list.is_empty());
        return all;
    }

    std::vector<SlotLinks> slots{5};
    SlotList list;
};

using Slots = std::vector<std::uint32_t>;

TEST_F(SlotListTest, KeepsTheOrderOfComing) {
    EXPECT_EQ(order(), Slots{});
    for (const std::uint32_t slot : {3U, 0U, 4U}) list.push_back(slot, links());
    EXPECT_EQ(order(), (Slots{3, 0, 4}));
}

TEST_F(SlotListTest, LeavesFromAnywhere) {
    for (std::uint32_t slot = 0; slot < 5; ++slot) list.push_back(slot, links());
    list.remove(2, links());
    EXPECT_EQ(order(), (Slots{0, 1, 3, 4}));
    list.remove(0, links());
    list.remove(4, links());
    EXPECT_EQ(order(), (Slots{1, 3}));
    list.push_back(0, links());
    EXPECT_EQ(order(), (Slots{1, 3, 0}));
    list.remove(1, links());
    list.remove(3, links());
    list.remove(0, links());
    EXPECT_EQ(order(), Slots{});
    EXPECT_EQ(slots[0].next, no_slot);
}

}  // namespace
}  // namespace penstock::pool
