#include "dataplane/net/system_random.hpp"

#include <algorithm>
#include <set>
#include <string>

#include <gtest/gtest.h>

namespace penstock::net {
namespace {

TEST(SystemRandom, FillsAllOfItAndNeverTheSame) {
    SystemRandom random;
    std::set<std::string> seen;
    for (int i = 0; i < 100; ++i) {
        std::string bytes(1'000, '\0');
        random.fill(bytes.data(), bytes.size());
        EXPECT_NE(bytes.substr(bytes.size() - 16), std::string(16, '\0'));
        seen.insert(bytes);
    }
    EXPECT_EQ(seen.size(), 100U);
    random.fill(nullptr, 0);
}

}  // namespace
}  // namespace penstock::net
