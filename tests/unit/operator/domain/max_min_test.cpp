#include "operator/domain/max_min.hpp"

#include <algorithm>
#include <numeric>
#include <random>

#include <gtest/gtest.h>

namespace penstock::domain {
namespace {

using Shares = std::vector<std::int32_t>;

TEST(MaxMin, SharesWithoutWaste) {
    struct Case {
        const char* name;
        std::int32_t total;
        std::vector<Claim> claims;
        Shares expected;
    };
    const Case cases[] = {
        {"nobody", 10, {}, {}},
        {"everybody is satisfied", 100, {{10, 1}, {20, 1}}, {10, 20}},
        {"the small one is satisfied, the rest is halved",
         50,
         {{10, 1}, {100, 1}, {100, 1}},
         {10, 20, 20}},
        {"weights", 40, {{100, 1, 100}, {100, 1, 300}}, {10, 30}},
        {"a weight does not give more than is wanted", 40, {{100, 1, 100}, {15, 1, 300}}, {25, 15}},
        {"floors come first", 20, {{100, 15}, {100, 1}}, {15, 5}},
        {"remainder goes to the first of equals", 10, {{9, 0}, {9, 0}, {9, 0}}, {4, 3, 3}},
        {"floors above the total are shared", 6, {{9, 4}, {9, 4}, {9, 4}}, {2, 2, 2}},
        {"nothing to share", 0, {{9, 1}, {9, 1}}, {0, 0}},
        {"less than nothing", -5, {{9, 1}}, {0}},
        {"floor above the want", 10, {{2, 5}, {9, 1}}, {5, 5}},
        {"largest fraction", 10, {{100, 0, 1}, {100, 0, 2}}, {3, 7}},
    };
    for (const Case& each : cases) {
        SCOPED_TRACE(each.name);
        EXPECT_EQ(max_min(each.total, each.claims), each.expected);
    }
}

// Nobody can get more without taking from one who has, for its weight, no more.
TEST(MaxMin, IsFairForRandomClaims) {
    std::mt19937 random(1);
    const auto whole = [&](std::int32_t most) {
        return static_cast<std::int32_t>(random() % static_cast<unsigned>(most + 1));
    };
    for (int round = 0; round < 2000; ++round) {
        std::vector<Claim> claims;
        for (int i = whole(8); i >= 0; --i) {
            const std::int32_t floor = whole(5);
            claims.push_back({floor + whole(60), floor, 1 + whole(9)});
        }
        const std::int32_t total = whole(300);
        const Shares shares = max_min(total, claims);
        std::int32_t wants = 0;
        std::int32_t floors = 0;
        for (const Claim& claim : claims) {
            wants += claim.want;
            floors += claim.floor;
        }
        ASSERT_EQ(std::accumulate(shares.begin(), shares.end(), 0), std::min(total, wants));
        if (floors > total) continue;
        for (std::size_t i = 0; i < claims.size(); ++i) {
            ASSERT_GE(shares[i], claims[i].floor);
            ASSERT_LE(shares[i], claims[i].want);
            if (shares[i] == claims[i].want) continue;
            for (std::size_t j = 0; j < claims.size(); ++j) {
                if (shares[j] <= claims[j].floor) continue;
                // One less for j and one more for i would leave j poorer than i.
                ASSERT_LE((shares[j] - 1) * claims[i].weight, (shares[i] + 1) * claims[j].weight);
            }
        }
    }
}

}  // namespace
}  // namespace penstock::domain
