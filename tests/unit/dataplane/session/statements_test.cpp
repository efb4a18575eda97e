#include "dataplane/session/statements.hpp"

#include <gtest/gtest.h>

namespace penstock::session {
namespace {

Origin in_zone(ValueTable& values, std::string_view zone) {
    Origin origin;
    origin.settings[*tracked_index("TimeZone")] = values.add(zone);
    return origin;
}

TEST(StatementTable, SameDefinitionAndOriginIsTheSameStatement) {
    ValueTable values;
    StatementTable table(values);
    const StatementId one = table.add("select 1", {});
    EXPECT_NE(one, no_statement);
    EXPECT_EQ(table.add("select 1", {}), one);
    EXPECT_NE(table.add("select 2", {}), one);
    EXPECT_EQ(table.definition(one), "select 1");
    EXPECT_EQ(table.find("select 1", {}), one);
    EXPECT_EQ(table.find("select 3", {}), no_statement);
    EXPECT_EQ(table.size(), 2U);
}

TEST(StatementTable, SameTextUnderOtherSettingsIsAnotherStatement) {
    ValueTable values;
    StatementTable table(values);
    const Origin utc = in_zone(values, "UTC");
    const Origin paris = in_zone(values, "Europe/Paris");
    Origin altered = utc;
    altered.alteration = 7;
    const StatementId one = table.add("select now()", utc);
    const StatementId two = table.add("select now()", paris);
    const StatementId three = table.add("select now()", altered);
    EXPECT_NE(one, two);
    EXPECT_NE(one, three);
    EXPECT_EQ(table.find("select now()", utc), one);
    EXPECT_EQ(table.find("select now()", paris), two);
    EXPECT_EQ(table.origin(two), paris);
    // The one in the middle of the chain goes; a value that is not held elsewhere with it.
    for (const ValueId value : paris.settings) values.release(value);
    EXPECT_EQ(values.size(), 2U);
    table.release(two);
    EXPECT_EQ(values.size(), 1U);
    EXPECT_EQ(table.find("select now()", utc), one);
    EXPECT_EQ(table.find("select now()", altered), three);
    table.release(three);
    table.release(one);
    EXPECT_EQ(table.size(), 0U);
}

TEST(StatementTable, GoesWithItsLastReferenceAndItsNumberIsNotUsedAgain) {
    ValueTable values;
    StatementTable table(values);
    const StatementId one = table.add("select 1", {});
    table.add_reference(one);
    table.release(one);
    EXPECT_EQ(table.size(), 1U);
    table.release(one);
    EXPECT_EQ(table.size(), 0U);
    EXPECT_NE(table.add("select 1", {}), one);
}

TEST(StatementTable, EmptyStatementIsAlwaysKnown) {
    ValueTable values;
    const StatementTable table(values);
    EXPECT_EQ(table.definition(empty_statement), std::string_view("\0\0\0", 3));
    EXPECT_EQ(table.origin(empty_statement), Origin{});
}

TEST(SettingsSql, SetsWhatDiffersUntilTheTransactionEnds) {
    ValueTable values;
    const Origin utc = in_zone(values, "UTC");
    const Origin odd = in_zone(values, "it's");
    EXPECT_EQ(settings_sql(values, utc, utc), "");
    EXPECT_EQ(
        settings_sql(values, utc, odd), "SELECT pg_catalog.set_config('TimeZone','it''s',true)"
    );
    // What was never reported is left alone.
    EXPECT_EQ(settings_sql(values, {}, odd), "");
}

TEST(ClientStatements, NamesAreFoundTakenAndCleared) {
    ValueTable values;
    StatementTable table(values);
    ClientStatements names;
    const StatementId one = table.add("select 1", {});
    const StatementName a = names.add("a", one);
    const StatementName b = names.add("b", table.add("select 1", {}));
    EXPECT_NE(a.number, b.number);
    EXPECT_EQ(names.find("a").id, one);
    EXPECT_EQ(names.find("c").id, no_statement);
    EXPECT_EQ(names.find_number(b.number).name, "b");
    EXPECT_EQ(names.take("a").number, a.number);
    EXPECT_EQ(names.take("a").id, no_statement);
    EXPECT_EQ(names.find_number(a.number).name, "");
    names.put_back("a", a);
    EXPECT_EQ(names.find("a").number, a.number);
    names.clear(table);
    EXPECT_TRUE(names.is_empty());
    EXPECT_EQ(table.size(), 0U);
}

TEST(ServerStatements, LeastRecentlyUsedGoesFirst) {
    ServerStatements server;
    server.add(1);
    server.add(2);
    EXPECT_EQ(server.victim(3), no_statement);
    EXPECT_EQ(server.victim(2), 1U);
    EXPECT_TRUE(server.touch(1));
    EXPECT_EQ(server.victim(2), 2U);
    server.remove(2);
    EXPECT_FALSE(server.touch(2));
    EXPECT_EQ(server.victim(2), no_statement);
    server.clear();
    EXPECT_TRUE(server.is_empty());
}

TEST(ServerStatements, SpoiltOneIsThereButNotForUse) {
    ServerStatements server;
    server.add(1);
    server.spoil(1);
    server.spoil(2);
    EXPECT_TRUE(server.has(1));
    EXPECT_FALSE(server.touch(1));
    EXPECT_FALSE(server.has(2));
    server.add(1);
    EXPECT_TRUE(server.touch(1));
}

TEST(ServerStatements, LimitOfZeroHasNoVictimAmongNone) {
    EXPECT_EQ(ServerStatements().victim(0), no_statement);
}

TEST(ServerStatementName, IsThePrefixAndTheNumber) {
    EXPECT_EQ(ServerStatementName("penstock_x_", 7).text(), "penstock_x_7");
    EXPECT_EQ(
        ServerStatementName(std::string(32, 'p'), empty_statement - empty_statements).text(),
        std::string(32, 'p') + "18446744073709551551"
    );
    EXPECT_EQ(ServerStatementName("penstock_x_", empty_statement).text(), "penstock_x_e");
    EXPECT_EQ(ServerStatementName("penstock_x_", empty_statement - 12).text(), "penstock_x_e12");
    EXPECT_EQ(ServerStatementName("penstock_x_", no_statement).text(), "penstock_x_0");
}

}  // namespace
}  // namespace penstock::session
