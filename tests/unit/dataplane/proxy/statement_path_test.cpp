// Prepared statements in pool mode Transaction: what clients say and what servers are told.
#include "tests/support/statement_script.hpp"

#include <gtest/gtest.h>

namespace penstock::proxy {
namespace {

using namespace test;
using std::chrono::seconds;

TEST(StatementPath, NamesAreChangedOnTheWay) {
    Script script = prepared();
    const std::string described = parameter_description() + row_description();
    script.client_sends(describe('S', "x") + run("x"))
        .expects_to_server(describe('S', ours(1)) + run(ours(1)))
        .server_sends(described + ran)
        .expects_to_client(described + ran);
    script.passes_in_all_ways();
}

TEST(StatementPath, PortalsKeepTheirNames) {
    Script script = prepared();
    const std::string asked =
        bind_statement("p", ours(1)) + describe('P', "p") + execute("p") + close('P', "p") + sync();
    const std::string replies =
        bind_complete() + row_description() + portal_suspended() + close_complete();
    script
        .client_sends(
            bind_statement("p", "x") + describe('P', "p") + execute("p") + close('P', "p") + sync()
        )
        .expects_to_server(asked)
        .server_sends(replies + ready_for_query())
        .expects_to_client(replies + ready_for_query());
    script.passes_in_all_ways();
}

TEST(StatementPath, OtherServerIsTaughtFirst) {
    // "b" holds the server that knows the statement.
    Script script = prepared();
    script.logs_in("b")
        .client_sends("b", query("begin"))
        .expects_to_server(query("begin"))
        .client_sends(run("x"))
        .expects_server("t")
        .server_logs_in("t")
        .expects_to_server("t", parse(ours(1), "select 1") + run(ours(1)))
        .server_sends("t", parse_complete() + ran)
        .expects_to_client(ran)
        .server_sends(done("BEGIN", 'T'))
        .expects_to_client("b", done("BEGIN", 'T'));
    script.passes_in_all_ways();
}

// In a transaction that failed no setting can be changed, so one that only ends it needs none.
TEST(StatementPath, EndOfATransactionIsTaughtUnderAnySettings) {
    for (const auto& [sql, is_exit] :
         {std::pair{"/* b */ rollback", true}, {"select 'x'", false}}) {
        Script script = pooled();
        const std::string status = parameter_status("TimeZone", "Europe/Berlin");
        script.client_sends(parse("x", sql) + sync())
            .server_sends(parse_complete() + ready_for_query())
            .client_sends(query("set timezone = 'Europe/Berlin'"))
            .server_sends(status + done("SET"))
            .logs_in("b")
            .then([](ScriptPlay& play) {
                play.links.take_sent(play.index("a"));
                play.links.take_sent(play.index("s"));
            })
            .client_sends("b", query("begin"))
            .server_sends(command_complete("BEGIN") + ready_for_query('T'))
            .client_sends(run("x"))
            .expects_server("t")
            .server_logs_in("t")
            .then([is_exit](ScriptPlay& play) {
                const std::string sent = play.links.take_sent(play.index("t"));
                EXPECT_NE(sent.find("SET TimeZone"), std::string::npos) << readable(sent);
                EXPECT_EQ(sent.find("set_config") == std::string::npos, is_exit) << readable(sent);
                play.links.take_sent(play.index("b"));
                play.links.take_sent(play.index("s"));
            });
        script.passes();
    }
}

// The client owns its TimeZone, which is on its way; of all else it hears with the answer to that.
TEST(StatementPath, ParseBehindAReplayIsReadByTheServersSettings) {
    Script script = pooled();
    const std::string gmt = parameter_status("TimeZone", "GMT");
    const std::string style = parameter_status("DateStyle", "SQL, MDY");
    const std::string sql = "select date '1/2/2024'";
    script.client_sends(query("set timezone = 'GMT'"))
        .server_sends(gmt + done("SET"))
        .expects_to_client(gmt + done("SET"))
        .logs_in("b")
        .client_sends("b", query("select 2"))
        .server_sends(one_row("2"))
        .expects_to_client("b", one_row("2"))
        .server_sends(style)
        .then([](ScriptPlay& play) { play.links.take_sent(play.index("s")); })
        .client_sends(parse("x", sql) + sync())
        .expects_to_server(query("SET TimeZone = 'GMT';") + parse(ours(1), sql) + sync())
        .server_sends(gmt + done("SET") + parse_complete() + ready_for_query())
        .expects_to_client(style + parse_complete() + ready_for_query())
        .client_sends("b", query("begin"))
        .server_sends(command_complete("BEGIN") + ready_for_query('T'))
        .client_sends(run("x"))
        .expects_server("t")
        .server_logs_in("t")
        .then([](ScriptPlay& play) {
            const std::string sent = play.links.take_sent(play.index("t"));
            EXPECT_NE(sent.find("set_config('DateStyle','SQL, MDY',true)"), std::string::npos)
                << readable(sent);
            for (const char* name : {"a", "b", "s"}) play.links.take_sent(play.index(name));
        });
    script.passes();
    script.fails_cleanly_at_each_step();
}

TEST(StatementPath, WhatIsBehindABatchThatSetsWaitsForItsReport) {
    Script script = pooled();
    const std::string set = parse("", "set timezone = 'GMT'") + bind_statement("", "") + execute();
    const std::string gmt = parameter_status("TimeZone", "GMT");
    script.client_sends(set + sync() + parse("x", "select 1") + sync())
        .expects_to_server(set + sync())
        .server_sends(
            parse_complete() + bind_complete() + command_complete("SET") + gmt + ready_for_query()
        )
        .expects_to_client(
            parse_complete() + bind_complete() + command_complete("SET") + gmt + ready_for_query()
        )
        .expects_to_server(parse(ours(1), "select 1") + sync())
        .server_sends(parse_complete() + ready_for_query())
        .expects_to_client(parse_complete() + ready_for_query())
        // Cleaned where the Execute came in pieces.
        .then([](ScriptPlay& play) { play.links.take_sent(play.index("s")); });
    script.passes_in_all_ways();
}

TEST(StatementPath, WhatIsBehindTheEndOfATransactionThatSetWaitsForItsReport) {
    Script script = pooled();
    const std::string gmt = parameter_status("TimeZone", "GMT");
    const std::string utc = parameter_status("TimeZone", "UTC");
    script.client_sends(query("begin;set timezone = 'GMT'"))
        .expects_to_server(query("begin;set timezone = 'GMT'"))
        .server_sends(command_complete("SET") + gmt + ready_for_query('T'))
        .expects_to_client(command_complete("SET") + gmt + ready_for_query('T'))
        .client_sends(query("rollback") + parse("x", "select 1") + sync())
        .expects_to_server(query("rollback"))
        .server_sends(command_complete("ROLLBACK") + utc + ready_for_query())
        .expects_to_client(command_complete("ROLLBACK") + utc + ready_for_query())
        .expects_to_server(parse(ours(1), "select 1") + sync())
        .server_sends(parse_complete() + ready_for_query())
        .expects_to_client(parse_complete() + ready_for_query());
    script.passes_in_all_ways();
}

TEST(StatementPath, EqualStatementsOfClientsAreOneOnTheServer) {
    Script script = prepared();
    script.logs_in("b")
        .client_sends("b", parse("y", "select 1") + run("y"))
        // Parsed anew: its tables may be others than when "a" prepared it.
        .expects_to_server(close('S', ours(1)) + parse(ours(1), "select 1") + run(ours(1)))
        .server_sends(close_complete() + parse_complete() + ran)
        .expects_to_client("b", parse_complete() + ran)
        .client_sends("b", close('S', "y") + sync())
        .expects_to_server(close('S', ours(0)) + sync())
        .server_sends(close_complete() + ready_for_query())
        .expects_to_client("b", close_complete() + ready_for_query())
        .client_sends(run("x"))
        .expects_to_server(run(ours(1)))
        .server_sends(ran)
        .expects_to_client(ran);
    script.passes_in_all_ways();
}

TEST(StatementPath, SameNameOfClientsIsTwoStatements) {
    Script script = prepared();
    script.logs_in("b")
        .client_sends("b", parse("x", "select 2") + run("x"))
        .expects_to_server(parse(ours(2), "select 2") + run(ours(2)))
        .server_sends(parse_complete() + ran)
        .expects_to_client("b", parse_complete() + ran);
    script.passes_in_all_ways();
}

TEST(StatementPath, WhatDependsOnAnOpenBatchWaitsForItsAnswer) {
    Script script = prepared();
    const std::string failed = error("22012", "division by zero");
    script.client_sends(run("x") + close('S', "x") + sync() + run("x"))
        .expects_to_server(run(ours(1)) + close('S', ours(0)) + sync())
        .server_sends(bind_complete() + failed + ready_for_query())
        .expects_to_client(bind_complete() + failed + ready_for_query())
        // Whether there is an x is known when the Close is answered.
        .expects_to_server("")
        .server_sends(close_complete() + ready_for_query())
        .expects_to_client(close_complete() + ready_for_query())
        .expects_to_server(run("x"));
    script.fails_cleanly_at_each_step();
}

TEST(StatementPath, CloseAndParseThatWereDiscardedLeaveTheNames) {
    Script script = prepared();
    const std::string failed = error("22012", "division by zero");
    const std::string missing = error("26000", "prepared statement \"z\" does not exist");
    script.client_sends(bind_statement("", "x") + close('S', "x") + parse("z", "select 2") + sync())
        .expects_to_server(
            bind_statement("", ours(1)) + close('S', ours(0)) + parse(ours(2), "select 2") + sync()
        )
        .server_sends(failed + ready_for_query())
        .expects_to_client(failed + ready_for_query())
        .client_sends(run("x"))
        .expects_to_server(run(ours(1)))
        .server_sends(ran)
        .expects_to_client(ran)
        .client_sends(run("z"))
        .expects_to_server(run("z"))
        .server_sends(missing + ready_for_query())
        .expects_to_client(missing + ready_for_query());
    script.passes_in_all_ways();
}

TEST(StatementPath, SameNameAgainIsTheDatabasesErrorWithTheClientsName) {
    Script script = prepared();
    script.client_sends(parse("x", "select 2") + run("x"))
        .expects_to_server(parse(empty_one, "") + parse(empty_one, "select 2") + run(ours(1)))
        .server_sends(
            parse_complete() +
            error("42P05", "prepared statement \"" + empty_one + "\" already exists") +
            ready_for_query()
        )
        .expects_to_client(
            error("42P05", "prepared statement \"x\" already exists") + ready_for_query()
        )
        .client_sends(run("x"))
        .expects_to_server(run(ours(1)))
        .server_sends(ran)
        .expects_to_client(ran);
    script.passes_in_all_ways();
}

TEST(StatementPath, SameNameAgainIsAnErrorAtAServerThatDoesNotKnowIt) {
    Script script = prepared();
    script.logs_in("b")
        .client_sends("b", query("begin"))
        .expects_to_server(query("begin"))
        .client_sends(parse("x", "select 2") + sync())
        .expects_server("t")
        .server_logs_in("t")
        .expects_to_server("t", parse(empty_one, "") + parse(empty_one, "select 2") + sync())
        .server_sends(
            "t",
            parse_complete() +
                error("42P05", "prepared statement \"" + empty_one + "\" already exists") +
                ready_for_query()
        )
        .expects_to_client(
            error("42P05", "prepared statement \"x\" already exists") + ready_for_query()
        );
    script.passes_in_all_ways();
}

TEST(StatementPath, UnknownNamesAreTheDatabasesErrors) {
    Script script = prepared();
    const std::string missing =
        error("26000", "prepared statement \"y\" does not exist") + ready_for_query();
    script.client_sends(run("y"))
        .expects_to_server(run("y"))
        .server_sends(missing)
        .expects_to_client(missing)
        .client_sends(describe('S', "y") + sync())
        .expects_to_server(describe('S', "y") + sync())
        .server_sends(missing)
        .expects_to_client(missing)
        .client_sends(close('S', "y") + sync())
        .expects_to_server(close('S', "y") + sync())
        .server_sends(close_complete() + ready_for_query())
        .expects_to_client(close_complete() + ready_for_query());
    script.passes_in_all_ways();
}

TEST(StatementPath, NameOfAnotherClientsStatementOnTheServerIsUnknown) {
    Script script = prepared();
    // The database hears a number that never exists, the client the name that it said.
    const std::string missing =
        error("26000", "prepared statement \"" + ours(0) + "\" does not exist") + ready_for_query();
    const std::string told =
        error("26000", "prepared statement \"" + ours(1) + "\" does not exist") + ready_for_query();
    script.logs_in("b")
        .client_sends("b", run(ours(1)))
        .expects_to_server(run(ours(0)))
        .server_sends(missing)
        .expects_to_client("b", told)
        .client_sends("b", describe('S', ours(1)) + close('S', ours(1)) + sync())
        .expects_to_server(describe('S', ours(0)) + close('S', ours(0)) + sync())
        .server_sends(missing)
        .expects_to_client("b", told);
    script.passes_in_all_ways();
}

TEST(StatementPath, LongBindIsRenamedAsItArrives) {
    std::string large;
    MessageWriter(large, Frontend::Bind)
        .c_string("")
        .c_string("x")
        .u16(0)
        .u16(1)
        .u32(100'000)
        .bytes(std::string(100'000, 'v'))
        .u16(0);
    std::string renamed;
    MessageWriter(renamed, Frontend::Bind)
        .c_string("")
        .c_string(ours(1))
        .u16(0)
        .u16(1)
        .u32(100'000)
        .bytes(std::string(100'000, 'v'))
        .u16(0);
    Script script = prepared();
    script.client_sends(large.substr(0, 50'000))
        .then([&](ScriptPlay& play) { EXPECT_GT(play.link("s").sent.size(), 49'990U); })
        .client_sends(large.substr(50'000) + execute() + sync())
        .expects_to_server(renamed + execute() + sync())
        .server_sends(ran)
        .expects_to_client(ran);
    script.passes();
}

TEST(StatementPath, LongNamesAreNames) {
    const std::string name(5'000, 'n');
    Script script = pooled();
    script.client_sends(parse(name, "select 1") + run(name))
        .expects_to_server(parse(ours(1), "select 1") + run(ours(1)))
        .server_sends(parse_complete() + ran)
        .expects_to_client(parse_complete() + ran);
    script.passes();
}

TEST(StatementPath, MalformedMessagesAreTheDatabasesToRefuse) {
    for (const char type : std::string("PBDC")) {
        SCOPED_TRACE(type);
        Script script = prepared();
        const std::string broken = message(type, "Sno end");
        const std::string refused = error("08P01", "invalid message format");
        script.client_sends(broken + sync())
            .expects_to_server(broken + sync())
            .server_sends(refused + ready_for_query())
            .expects_to_client(refused + ready_for_query())
            .client_sends(run("x"))
            .expects_to_server(run(ours(1)))
            .server_sends(ran)
            .expects_to_client(ran);
        script.passes_in_all_ways();
    }
}

TEST(StatementPath, QueryTimeOfAnInjectedMessageBeginsWithIt) {
    Settings settings = plain_settings();
    settings.query_timeout = seconds(10);
    Script script = pooled(settings);
    script.client_sends(parse("", "select 1") + sync())
        .server_sends(parse_complete() + ready_for_query())
        .client_sends(query("begin; select"))
        .server_sends(done("SELECT 1", 'T'))
        .expects_to_client(parse_complete() + ready_for_query() + done("SELECT 1", 'T'))
        .after(seconds(30))
        .client_sends(describe('S', "") + flush())
        .after(seconds(1))
        .expects_to_client("")
        .expects_open_still("a");
    script.fails_cleanly_at_each_step();
}

TEST(StatementPath, InSessionModeNamesAreTheClientsOwn) {
    Settings settings = plain_settings();
    settings.pool_mode = PoolMode::Session;
    Script script = pooled(settings);
    const std::string batch = parse("x", "select 1") + describe('S', "x") + run("x");
    const std::string replies =
        parse_complete() + parameter_description() + no_data() + bind_complete() + done("SELECT 0");
    script.client_sends(batch)
        .expects_to_server(batch)
        .server_sends(replies)
        .expects_to_client(replies)
        .client_sends(terminate())
        .expects_to_server(query("DISCARD ALL"))
        .server_sends(done("DISCARD ALL"))
        .expects_open_still("s");
    script.passes_in_all_ways();
}

}  // namespace
}  // namespace penstock::proxy
