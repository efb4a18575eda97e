#include "dataplane/pool/slab.hpp"

#include <string>

#include <gtest/gtest.h>

namespace penstock::pool {
namespace {

TEST(Slab, NamesFindWhatTheyNamedUntilItIsRemoved) {
    Slab<std::string> slab;
    const auto a = slab.add("a");
    const auto b = slab.add("b");
    EXPECT_EQ(*slab.find(a.slot, a.generation), "a");
    EXPECT_EQ(slab.at(b.slot), "b");
    EXPECT_EQ(slab.size(), 2U);
    slab.remove(a.slot);
    EXPECT_EQ(slab.find(a.slot, a.generation), nullptr);
    EXPECT_EQ(slab.at_if_used(a.slot), nullptr);
    EXPECT_EQ(slab.size(), 1U);
    EXPECT_EQ(slab.slots(), 2U);
}

TEST(Slab, SlotIsUsedAgainUnderAnotherGeneration) {
    Slab<std::string> slab;
    const auto old = slab.add("old");
    slab.remove(old.slot);
    const auto next = slab.add("next");
    EXPECT_EQ(next.slot, old.slot);
    EXPECT_NE(next.generation, old.generation);
    EXPECT_EQ(slab.find(old.slot, old.generation), nullptr);
    EXPECT_EQ(*slab.find(next.slot, next.generation), "next");
}

TEST(Slab, NoNameIsGivenOutTwiceInASlotsLife) {
    Slab<int> slab;
    std::uint64_t last = 0;  // which is never given out
    for (int i = 0; i < 70'000; ++i) {
        const auto name = slab.add(i);
        ASSERT_GT(name.generation, last);
        last = name.generation;
        slab.remove(name.slot);
    }
    EXPECT_EQ(slab.slots(), 1U);
    EXPECT_EQ(slab.find(0, 0), nullptr);
    EXPECT_EQ(slab.find(1, 1), nullptr);
}

TEST(Slab, ThingsDoNotMove) {
    Slab<int> slab;
    const int* const first = &slab.at(slab.add(0).slot);
    for (int i = 1; i < 1'000; ++i) static_cast<void>(slab.add(i));
    EXPECT_EQ(&slab.at(0), first);
}

}  // namespace
}  // namespace penstock::pool
