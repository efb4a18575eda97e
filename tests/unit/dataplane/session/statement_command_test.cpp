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
        {"execute s1('a\\')", Kind::Execute, "s1", "s1"},
        {"execute s1($$;$$, $a$;$$;$a$, E'\\';', U&'\\';", Kind::Execute, "s1", "s1"},
        {"explain execute s1", Kind::Execute, "s1", "s1"},
        {"EXPLAIN (ANALYZE, FORMAT 'json') EXECUTE S1(1)", Kind::Execute, "s1", "S1"},
        {"explain analyze verbose execute \"s1\"", Kind::Execute, "s1", "\"s1\""},
        {"create table t as execute s1", Kind::Execute, "s1", "s1"},
        {"create temp table if not exists \"as\".t (\"execute\", b) on commit drop as execute s1 "
         "with data",
         Kind::Execute,
         "s1",
         "s1"},
        {"explain create unlogged table t as execute s1", Kind::Execute, "s1", "s1"},
    };
    for (const Case& c : cases) {
        SCOPED_TRACE(c.sql);
        EXPECT_TRUE(may_name_statements(c.sql));
        const StatementCommand command = command_in(c.sql, Backslashes::Plain);
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
          "explain select execute s1",
          "create table t (a int)",
          "create table t as select 'as execute s1'",
          "create trigger t after insert on t for each row execute function s1()",
          "deallocate 1",
          "deallocate \"s1",
          "deallocate U&\"s1\"",
          "execute s1('a\\';select '')",
          "/* execute s1",
          "delete from t",
          "executes1"}) {
        EXPECT_EQ(command_in(sql, Backslashes::Plain).kind, Kind::None) << sql;
    }
    EXPECT_EQ(
        command_in("deallocate " + std::string(64, 'n'), Backslashes::Plain).kind, Kind::None
    );
}

TEST(StatementCommand, AllOfATextAreFoundInOrder) {
    struct Case {
        std::string_view sql;
        std::string_view plain;
        std::string_view escaping;
    };
    const Case cases[]{
        {"begin; execute a(1);execute B; commit", "a b", "a b"},
        {"select ';execute a' ; /* ; execute b */ execute c -- ; execute d\n; deallocate all",
         "c all",
         "c all"},
        {"select $x$;execute a;$x$;execute b", "b", "b"},
        {"select '\\'; execute a; select ''", "a", ""},
        {"select E'\\'; execute a; select '; execute b", "b", "b"},
        {"select 'a'\n'\\';execute a; --'; execute b", "a", "b"},
        {"select e'a'\n'\\';execute a; --'; execute b", "b", "b"},
        {"select e'''\\';execute a'; execute b", "b", "b"},
        {"select U&'\\'; execute a", "a", "a"},
        {"select \";execute a\"; execute \"b;\"", "b;", "b;"},
        {"select 1 as e$$; execute a", "a", "a"},
        {";;", "", ""},
        {"execute a; execute", "a", "a"},
        {"execute a; select '", "a", "a"},
    };
    const auto names = [](const std::vector<StatementCommand>& commands) {
        std::string all;
        for (const StatementCommand& command : commands)
            all += (all.empty() ? "" : " ") + command.name;
        return all;
    };
    for (const Case& c : cases) {
        EXPECT_EQ(names(commands_in(c.sql, Backslashes::Plain)), c.plain) << c.sql;
        EXPECT_EQ(names(commands_in(c.sql, Backslashes::Escape)), c.escaping) << c.sql;
    }
}

TEST(StatementCommand, OtherTextsAreNotLookedAt) {
    for (const std::string_view sql :
         {"select 1", "", "commit", "update t set a = 1", "copy t to stdout"})
        EXPECT_FALSE(may_name_statements(sql)) << sql;
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
