#include "dataplane/session/statement_command.hpp"

#include <gtest/gtest.h>

namespace penstock::session {
namespace {

using Kind = StatementCommand::Kind;

TEST(StatementCommand, IsFoundWithItsNameAsPostgresReadsIt) {
    struct Case {
        std::string_view sql;
        Kind kind;
        std::string_view name;
        std::string_view written;
    };
    const Case cases[]{
        {"DEALLOCATE s1", Kind::Deallocate, "s1", "s1"},
        {" /* a /* b */ */ deallocate -- so\n prepare S1 ; ;", Kind::Deallocate, "s1", "S1"},
        {"DEALLOCATE \"S \"\"1\"\"\"", Kind::Deallocate, "S \"1\"", "\"S \"\"1\"\"\""},
        {"deallocate prepare", Kind::Deallocate, "prepare", "prepare"},
        {"deallocate prepare;", Kind::Deallocate, "prepare", "prepare"},
        {"deallocate \"all\"", Kind::Deallocate, "all", "\"all\""},
        {"deallocate all", Kind::DeallocateAll, "all", "all"},
        {"DEALLOCATE PREPARE ALL;", Kind::DeallocateAll, "all", "ALL"},
        {"discard all", Kind::DeallocateAll, "all", "all"},
        {"execute s1", Kind::Execute, "s1", "s1"},
        {"execute _pg3_0(1, 'a;b', $1)", Kind::Execute, "_pg3_0", "_pg3_0"},
        {"PREPARE s1 (int) AS SELECT ';', \";\"", Kind::Prepare, "s1", "s1"},
    };
    for (const Case& c : cases) {
        SCOPED_TRACE(c.sql);
        const StatementCommand command = command_in(c.sql);
        EXPECT_EQ(command.kind, c.kind);
        EXPECT_EQ(command.name, c.name);
        EXPECT_EQ(c.sql.substr(command.name_at, command.name_size), c.written);
    }
}

TEST(StatementCommand, AnythingElseIsNone) {
    for (const std::string_view sql :
         {"",
          ";",
          "select 1",
          "deallocate",
          "discard plans",
          "discard",
          "execute",
          "do $$ $$",
          "deallocate s1; select 1",
          "execute s1; execute s2",
          "prepare transaction 'a'",
          "explain execute s1",
          "deallocate 1",
          "deallocate \"s1",
          "execute s1('a\\';')",
          "execute s1($$;$$)",
          "/* execute s1",
          "delete from t",
          "executes1"}) {
        EXPECT_EQ(command_in(sql).kind, Kind::None) << sql;
    }
    EXPECT_EQ(command_in("deallocate " + std::string(64, 'n')).kind, Kind::None);
}

TEST(StatementCommand, WordsThatAlterHowStatementsAreRead) {
    for (const std::string_view sql :
         {"SET search_path = a",
          "set local ROLE x",
          "select set_config('bytea_output', 'hex', true)",
          "begin; set session authorization x"})
        EXPECT_TRUE(alters_reading(sql)) << sql;
    for (const std::string_view sql :
         {"set local statement_timeout = 5", "set timezone to 'UTC'", "", "set roles = 1"})
        EXPECT_FALSE(alters_reading(sql)) << sql;
}

}  // namespace
}  // namespace penstock::session
