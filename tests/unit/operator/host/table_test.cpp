#include "operator/host/table.hpp"

#include <gtest/gtest.h>

namespace penstock::host {
namespace {

TEST(Table, ColumnsAreAlignedAndTheLastIsNotPadded) {
    EXPECT_EQ(
        print_table({{"NAME", "READY", "AGE"}, {"orders", "True", "5s"}, {"x", "", "10m"}}),
        "NAME     READY   AGE\n"
        "orders   True    5s\n"
        "x                10m\n"
    );
}

TEST(Table, NoRowsNoText) { EXPECT_EQ(print_table({}), ""); }

TEST(Table, AgesAreAsPreciseAsTheyAreWorth) {
    struct Case {
        long seconds;
        const char* text;
    };
    for (const Case& c :
         {Case{-5, "0s"},
          {0, "0s"},
          {119, "119s"},
          {120, "2m"},
          {200, "3m20s"},
          {600, "10m"},
          {10799, "179m"},
          {10800, "3h"},
          {18720, "5h12m"},
          {28800, "8h"},
          {172799, "47h"},
          {172800, "2d"},
          {176400, "2d1h"},
          {691200, "8d"},
          {63072000, "2y"},
          {64281600, "2y14d"}}) {
        EXPECT_EQ(print_age(std::chrono::seconds(c.seconds)), c.text);
    }
}

TEST(Table, TimesOfKubernetesAreRead) {
    EXPECT_EQ(parse_time("1970-01-02T00:00:01Z"), 86401);
    EXPECT_EQ(parse_time("1970-01-02T00:00:01.500Z"), 86401);
    EXPECT_EQ(parse_time("yesterday"), -1);
    EXPECT_EQ(parse_time(""), -1);
}

TEST(Table, FieldNamesBecomeWords) {
    EXPECT_EQ(title("maxServerConnections"), "Max Server Connections");
    EXPECT_EQ(title("queryP99Milliseconds"), "Query P99 Milliseconds");
    EXPECT_EQ(title("database"), "Database");
    EXPECT_EQ(title(""), "");
}

}  // namespace
}  // namespace penstock::host
