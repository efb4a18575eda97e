#include "dataplane/session/statement_text.hpp"

#include <array>
#include <memory>
#include <random>
#include <string>

#include <gtest/gtest.h>

namespace penstock::session {
namespace {

Traces left_by(std::string_view sql, std::string_view tag) {
    return traces_of_tag(tag, look_at(sql), false);
}

TEST(StatementText, OrdinaryStatementsShowNothing) {
    for (const char* sql :
         {"",
          ";",
          "select 1",
          "SELECT count(*) FROM t WHERE a IN (1, 2)",
          "insert into t values ('set role x; listen c', (2))",
          "update t set a = f(b) where c = coalesce((d), 1)",
          "begin",
          "select 'pg_advisory_lock('",
          "select pg_advisory_xact_lock(1)",
          "select pg_advisory_unlock(1)",
          "select currval('s')"}) {
        const TextLook look = look_at(sql);
        EXPECT_TRUE(look.calls.is_empty() || std::string_view(sql) == "select 'pg_advisory_lock('")
            << sql;
        EXPECT_FALSE(look.listens) << sql;
        EXPECT_FALSE(look.sets) << sql;
        EXPECT_FALSE(look.shows_name) << sql;
    }
}

TEST(StatementText, SetThatEndsOrIsReplayedLeavesNothing) {
    for (const char* sql :
         {"set local work_mem = '1MB'",
          "  SET  LOCAL role x ;",
          "/* a /* b */ ; */ set local role x",
          "-- x;\nset transaction isolation level serializable",
          "set timezone to 'UTC'",
          "set time zone local",
          "set session \"TimeZone\" = 'UTC'",
          "SET NAMES 'UTF8'",
          "set application_name = 'set role'",
          "begin; set local role x; select ';set role y'; commit",
          "begin; set local role x; do $a$ ; set role $a$"}) {
        EXPECT_TRUE(look_at(sql).sets_harmlessly) << sql;
        EXPECT_TRUE(left_by(sql, "SET").is_empty()) << sql;
    }
}

TEST(StatementText, OtherSetsLeaveSettings) {
    for (const char* sql :
         {"set role x",
          "SET SESSION AUTHORIZATION x",
          "set session characteristics as transaction read only",
          "set work_mem = '1MB'",
          "set search_path = a",
          "set my.own = 1",
          "select 1; set role x",
          "set local role x; set role y",
          "set timezone to 'UTC'; set \"role\" to x",
          "select 1"}) {
        EXPECT_EQ(left_by(sql, "SET"), Traces(Trace::Settings)) << sql;
    }
    EXPECT_EQ(
        traces_of_tag("SET", look_at("set local role x", false), false), Traces(Trace::Settings)
    );
}

TEST(StatementText, TagsShowWhatWasLeft) {
    EXPECT_EQ(left_by("listen a", "LISTEN"), Traces(Trace::Channels));
    EXPECT_EQ(left_by("load 'x'", "LOAD"), Traces(Trace::Library));
    EXPECT_EQ(
        left_by("declare c cursor with hold for select 1", "DECLARE CURSOR"), Traces(Trace::Cursors)
    );
    EXPECT_TRUE(left_by("declare c cursor for select 1", "DECLARE CURSOR").is_empty());
    EXPECT_EQ(left_by("create temp table t ()", "CREATE TABLE"), Traces(Trace::Temporary));
    EXPECT_EQ(left_by("create table pg_temp.t ()", "CREATE TABLE"), Traces(Trace::Temporary));
    EXPECT_EQ(
        left_by("create TEMPORARY view v as select 1", "CREATE VIEW"), Traces(Trace::Temporary)
    );
    EXPECT_TRUE(left_by("create table t (a int)", "CREATE TABLE").is_empty());
    EXPECT_EQ(left_by("select 1 into temp t", "SELECT 1"), Traces(Trace::Temporary));
    EXPECT_TRUE(traces_of_tag("SELECT 1", look_at("select 1"), true).is_empty());
    EXPECT_TRUE(left_by("insert into t values (1)", "INSERT 0 1").is_empty());
    EXPECT_TRUE(left_by("begin", "BEGIN").is_empty());
}

TEST(StatementText, FunctionsAreKnownByName) {
    EXPECT_EQ(look_at("select PG_Advisory_Lock (1)").calls, Traces(Trace::Locks));
    EXPECT_EQ(
        look_at("select a, pg_catalog.\"pg_try_advisory_lock_shared\"(1)").calls,
        Traces(Trace::Locks)
    );
    EXPECT_EQ(look_at("select nextval('s')").calls, Traces(Trace::Sequences));
    EXPECT_EQ(look_at("select set_config('my.own', $1, false)").calls, Traces(Trace::Settings));
    EXPECT_EQ(look_at("select set_config($1, $2, $3)").calls, Traces(Trace::Settings));
    EXPECT_TRUE(look_at("select set_config('my.own', 'x', true)").calls.is_empty());
    EXPECT_TRUE(look_at("select set_config('TimeZone', 'x', false)").calls.is_empty());
    EXPECT_TRUE(look_at("select set_config('TimeZone', 'x', false)").sets);
}

TEST(StatementText, CodeThatIsNotSeenMayLeaveAnything) {
    for (const std::string_view sql : {"do $$ begin perform f(); end $$", "CALL p()"}) {
        for (const Trace trace :
             {Trace::Settings,
              Trace::Channels,
              Trace::Cursors,
              Trace::Temporary,
              Trace::Sequences,
              Trace::Locks})
            EXPECT_TRUE(look_at(sql).calls.has(trace)) << sql;
        EXPECT_FALSE(look_at(sql).calls.has(Trace::Library)) << sql;
    }
}

TEST(StatementText, ListenIsFoundWhereverItStands) {
    EXPECT_TRUE(look_at("LISTEN c").listens);
    EXPECT_TRUE(look_at("begin;/**/listen c;commit").listens);
    EXPECT_FALSE(look_at("unlisten c; select 'x; listen c'").listens);
    EXPECT_FALSE(look_at("select e'\\'; listen c;'").listens);
    EXPECT_FALSE(look_at("select \"; listen c\", $x$; listen c$x$").listens);
}

TEST(StatementText, ShowOfTheNameIsFoundAlone) {
    EXPECT_TRUE(look_at("show application_name").shows_name);
    EXPECT_TRUE(look_at("SHOW Application_Name ; ").shows_name);
    EXPECT_FALSE(look_at("show application_name; select 1").shows_name);
    EXPECT_FALSE(look_at("show timezone").shows_name);
}

TEST(StatementText, ShortCutFindsWhatACloserLookDoes) {
    // Words that are looked for, such as begin as they do, and what stands between them.
    constexpr std::array<std::string_view, 78> pieces{
        "select",
        "SELECT",
        "Select",
        "selects",
        "selec",
        "se",
        "set",
        "SET",
        "settle",
        "show",
        "Sh",
        "savepoint",
        "start",
        "w",
        "with",
        "WITH",
        "listen",
        "LISTEN",
        "lock",
        "li",
        "load",
        "l",
        "do",
        "DO",
        "declare",
        "DECLARE",
        "dec",
        "delete",
        "drop",
        "d",
        "create",
        "CREATE",
        "cr",
        "call",
        "CALL",
        "commit",
        "copy",
        "close",
        "c",
        "insert",
        "update",
        "begin",
        "x",
        "local",
        "temp",
        "hold",
        "role",
        "into",
        "transaction",
        "timezone",
        "application_name",
        "nextval",
        "pg_advisory_lock",
        "PG_TRY_ADVISORY_LOCK_SHARED",
        "set_config",
        "deallocate",
        "(",
        ")",
        ";",
        "; ",
        " ;",
        "'",
        "''",
        "e'",
        "\\",
        "\"",
        "$",
        "$$",
        "$a$",
        "$1",
        "--",
        "\n",
        "/*",
        "*/",
        " ",
        " ",
        "  ",
        "\xc3\xa4"};
    std::mt19937 random(7);  // the same texts in each run
    const auto below = [&random](std::size_t count) {
        return std::uniform_int_distribution<std::size_t>(0, count - 1)(random);
    };
    for (int i = 0; i < 100'000; ++i) {
        std::string sql = i % 32 == 1 ? "set local " : "";
        for (std::size_t piece = below(12); piece > 0; --piece) {
            if (piece == 3 && i % 16 == 0) sql.append(below(200), 'x');
            sql += pieces[below(pieces.size())];
            if (below(2) == 0) sql += ' ';
        }
        const bool is_whole = i % 8 != 0;
        // At the end of its memory, so that AddressSanitizer sees a look behind it.
        const std::unique_ptr<char[]> exact(new char[sql.size()]);
        sql.copy(exact.get(), sql.size());
        const TextLook look = look_at({exact.get(), sql.size()}, is_whole);
        ASSERT_EQ(look, look_closely_at(sql, is_whole)) << sql;
    }
}

TEST(StatementText, ExitsEndATransactionThatFailed) {
    for (const char* sql :
         {"commit",
          "/* a */ COMMIT AND CHAIN",
          "rollback to one",
          "end;",
          "Abort",
          "prepare transaction 'a'"})
        EXPECT_TRUE(is_exit(sql)) << sql;
    for (const char* sql :
         {"", "begin", "select 1", "prepare a as select 1", "endings", "/* end */"})
        EXPECT_FALSE(is_exit(sql)) << sql;
}

TEST(StatementText, CleaningRemovesWhatWasLeftAndNoPreparedStatement) {
    Traces traces = Trace::Settings;
    traces.add(Trace::Channels);
    EXPECT_EQ(cleaning_sql(traces), "RESET SESSION AUTHORIZATION;RESET ROLE;RESET ALL;UNLISTEN *;");
    EXPECT_EQ(cleaning_sql(Trace::Library), "");
}

}  // namespace
}  // namespace penstock::session
