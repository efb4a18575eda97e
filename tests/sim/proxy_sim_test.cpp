// SIM_SEED=n replays one run; SIM_SEEDS=n runs that many, from SIM_FROM on.
#include "tests/support/sim_world.hpp"

#include <cstdlib>
#include <iostream>

#include <gtest/gtest.h>

namespace penstock::test {
namespace {

std::uint64_t number_from(const char* name, std::uint64_t otherwise) {
    const char* const text = std::getenv(name);
    return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

TEST(ProxySim, ClientsGetWhatPostgresAloneWouldSay) {
    std::uint64_t first = number_from("SIM_FROM", 1);
    std::uint64_t runs = number_from("SIM_SEEDS", 300);
    if (std::getenv("SIM_SEED") != nullptr) {
        first = number_from("SIM_SEED", 1);
        runs = 1;
    }
    std::size_t replies = 0;
    std::size_t moves = 0;
    for (std::uint64_t seed = first; seed < first + runs; ++seed) {
        SimWorld world(seed, runs == 1 ? 100'000 : 60);
        const std::string fault = world.run();
        replies += world.replies();
        moves += world.moves_with_bytes_pending();
        ASSERT_TRUE(fault.empty()) << fault;
    }
    RecordProperty("replies", static_cast<int>(replies));
    if (runs >= 100) {
        EXPECT_GT(replies, runs * 50);
    }
    if (runs >= 1'000) {
        EXPECT_GT(moves, 0U) << "no server changed workers with bytes for it still to be written";
    }
}

}  // namespace
}  // namespace penstock::test
