#include "dataplane/session/statements.hpp"

#include <gtest/gtest.h>

namespace penstock::session {
namespace {

TEST(StatementTable, SameDefinitionIsTheSameStatement) {
    StatementTable table;
    const StatementId one = table.add("select 1");
    EXPECT_NE(one, no_statement);
    EXPECT_EQ(table.add("select 1"), one);
    EXPECT_NE(table.add("select 2"), one);
    EXPECT_EQ(table.definition(one), "select 1");
    EXPECT_EQ(table.size(), 2U);
}

TEST(StatementTable, GoesWithItsLastReferenceAndItsNumberIsNotUsedAgain) {
    StatementTable table;
    const StatementId one = table.add("select 1");
    table.add_reference(one);
    table.release(one);
    EXPECT_EQ(table.size(), 1U);
    table.release(one);
    EXPECT_EQ(table.size(), 0U);
    EXPECT_NE(table.add("select 1"), one);
}

TEST(ClientStatements, NamesAreFoundTakenAndCleared) {
    StatementTable table;
    ClientStatements names;
    const StatementId one = table.add("select 1");
    names.add("a", one);
    names.add("b", table.add("select 1"));
    EXPECT_EQ(names.find("a"), one);
    EXPECT_EQ(names.find("c"), no_statement);
    EXPECT_EQ(names.take("a"), one);
    EXPECT_EQ(names.take("a"), no_statement);
    table.release(one);
    EXPECT_EQ(table.size(), 1U);
    names.clear(table);
    EXPECT_EQ(names.find("b"), no_statement);
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

TEST(ServerStatements, LimitOfZeroHasNoVictimAmongNone) {
    EXPECT_EQ(ServerStatements().victim(0), no_statement);
}

TEST(ServerStatementName, IsThePrefixAndTheNumber) {
    EXPECT_EQ(ServerStatementName(7).text(), "penstock_7");
    EXPECT_EQ(ServerStatementName(4'294'967'295).text(), "penstock_4294967295");
}

TEST(ClientStatements, NamesAreFoundByTheServersName) {
    StatementTable table;
    ClientStatements statements;
    const StatementId id = table.add("select 1");
    statements.add("mine", id);
    const std::string text =
        "prepared statement \"" + std::string(ServerStatementName(id).text()) + "\" is odd";
    EXPECT_EQ(statement_named_in(text), id);
    EXPECT_EQ(statement_named_in("no name of ours"), no_statement);
    EXPECT_EQ(statements.name_of(id), "mine");
    EXPECT_EQ(statements.name_of(id + 1), "");
    statements.clear(table);
}

}  // namespace
}  // namespace penstock::session
