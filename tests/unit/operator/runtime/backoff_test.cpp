#include "operator/runtime/backoff.hpp"

#include <gtest/gtest.h>

namespace penstock::runtime {
namespace {

using namespace std::chrono_literals;

TEST(Backoff, DelaysAreDrawnFromADoublingWholeUpToTheMost) {
    for (std::uint64_t seed = 0; seed < 100; ++seed) {
        Backoff backoff(800ms, 30s, seed);
        auto whole = 800ms;
        for (int i = 0; i < 10; ++i) {
            const auto delay = backoff.next();
            EXPECT_GE(delay, 0ms);
            EXPECT_LT(delay, whole);
            whole = std::min<std::chrono::milliseconds>(whole * 2, 30s);
        }
        backoff.reset();
        EXPECT_LT(backoff.next(), 800ms);
    }
}

TEST(Backoff, SameSeedGivesTheSameDelays) {
    Backoff one(800ms, 30s, 3);
    Backoff other(800ms, 30s, 3);
    for (int i = 0; i < 10; ++i) EXPECT_EQ(one.next(), other.next());
}

}  // namespace
}  // namespace penstock::runtime
