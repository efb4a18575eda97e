#include "operator/domain/budget.hpp"

#include <gtest/gtest.h>

namespace penstock::domain {
namespace {

api::DatabaseFacts server(std::int32_t max_connections, std::int32_t reserved = 0) {
    api::DatabaseFacts facts;
    facts.max_connections = max_connections;
    facts.superuser_reserved_connections = 3;
    facts.reserved_connections = reserved;
    return facts;
}

TEST(Budget, NamesTheTermThatBinds) {
    struct Case {
        const char* name;
        std::int32_t max_connections, reserved, others, headroom, percent;
        std::optional<std::int32_t> pool_max;
        Ceiling expected;
    };
    const Case cases[] = {
        {"percent", 100, 0, 0, 5, 70, {}, {67, LimitedBy::Percent}},
        {"headroom", 100, 0, 0, 5, 100, {}, {92, LimitedBy::Headroom}},
        {"reserved of PostgreSQL 16", 100, 10, 0, 5, 100, {}, {82, LimitedBy::Headroom}},
        {"others", 100, 0, 40, 5, 100, {}, {52, LimitedBy::OtherConnections}},
        {"spec", 100, 0, 0, 5, 100, 20, {20, LimitedBy::Spec}},
        {"spec equal to the rest", 100, 0, 0, 5, 100, 92, {92, LimitedBy::Spec}},
        {"spec above the rest", 100, 0, 0, 5, 100, 93, {92, LimitedBy::Headroom}},
        {"others hold everything", 100, 0, 97, 5, 100, {}, {0, LimitedBy::OtherConnections}},
        {"more reserved than there is", 5, 10, 0, 5, 100, {}, {0, LimitedBy::Headroom}},
        {"large", 262'143, 0, 0, 5, 70, {}, {183'498, LimitedBy::Percent}},
    };
    for (const Case& each : cases) {
        SCOPED_TRACE(each.name);
        const Ceiling database = database_budget(
            server(each.max_connections, each.reserved), each.others, each.headroom, each.percent
        );
        EXPECT_EQ(pool_ceiling(database, each.pool_max), each.expected);
    }
}

TEST(Budget, OthersGetATenthMoreThanTheirPeak) {
    EXPECT_EQ(others_allowance(0), 0);
    EXPECT_EQ(others_allowance(1), 2);
    EXPECT_EQ(others_allowance(10), 11);
    EXPECT_EQ(others_allowance(11), 13);
}

TEST(Budget, ReserveIsForSurgeAndTwoButAQuarterAtMost) {
    EXPECT_EQ(reserve_of(100, 1, 1), 3);
    EXPECT_EQ(reserve_of(8, 1, 1), 2);
    EXPECT_EQ(reserve_of(1, 1, 1), 1);
    EXPECT_EQ(reserve_of(0, 1, 1), 0);
    EXPECT_EQ(reserve_of(100, 2, 3), 8);
    EXPECT_EQ(reserve_of(10, 4, 1), 4);
    EXPECT_EQ(reserve_of(10, 20, 1), 5);
}

TEST(Budget, EveryReasonHasItsName) {
    EXPECT_EQ(to_string(LimitedBy::SharedDatabase), "SharedDatabase");
    EXPECT_EQ(to_string(LimitedBy::Unknown), "Unknown");
}

}  // namespace
}  // namespace penstock::domain
