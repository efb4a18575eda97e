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
        .expects_to_server(describe('S', "penstock_1") + run("penstock_1"))
        .server_sends(described + ran)
        .expects_to_client(described + ran);
    script.passes_in_all_ways();
}

TEST(StatementPath, PortalsKeepTheirNames) {
    Script script = prepared();
    const std::string asked = bind_statement("p", "penstock_1") + describe('P', "p") +
                              execute("p") + close('P', "p") + sync();
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
        .expects_to_server("t", parse("penstock_1", "select 1") + run("penstock_1"))
        .server_sends("t", parse_complete() + ran)
        .expects_to_client(ran)
        .server_sends(done("BEGIN", 'T'))
        .expects_to_client("b", done("BEGIN", 'T'));
    script.passes_in_all_ways();
}

TEST(StatementPath, EqualStatementsOfClientsAreOneOnTheServer) {
    Script script = prepared();
    script.logs_in("b")
        .client_sends("b", parse("y", "select 1") + run("y"))
        .expects_to_server(run("penstock_1"))
        .server_sends(ran)
        .expects_to_client("b", parse_complete() + ran)
        .client_sends("b", close('S', "y") + sync())
        .expects_to_server(sync())
        .server_sends(ready_for_query())
        .expects_to_client("b", close_complete() + ready_for_query())
        .client_sends(run("x"))
        .expects_to_server(run("penstock_1"))
        .server_sends(ran)
        .expects_to_client(ran);
    script.passes_in_all_ways();
}

TEST(StatementPath, SameNameOfClientsIsTwoStatements) {
    Script script = prepared();
    script.logs_in("b")
        .client_sends("b", parse("x", "select 2") + run("x"))
        .expects_to_server(parse("penstock_2", "select 2") + run("penstock_2"))
        .server_sends(parse_complete() + ran)
        .expects_to_client("b", parse_complete() + ran);
    script.passes_in_all_ways();
}

TEST(StatementPath, SyntheticRepliesKeepTheirPlaceAmongRealOnes) {
    Script script = prepared();
    script.logs_in("b")
        .client_sends(
            "b",
            parse("", "select 9") + parse("y", "select 1") + bind_statement("", "") +
                close('S', "y") + execute() + sync()
        )
        .expects_to_server(parse("", "select 9") + bind_statement("", "") + execute() + sync())
        .server_sends(parse_complete() + bind_complete() + done("SELECT 0"))
        .expects_to_client(
            "b",
            parse_complete() + parse_complete() + bind_complete() + close_complete() +
                done("SELECT 0")
        );
    script.passes_in_all_ways();
}

TEST(StatementPath, ErrorInMidPipelineTakesTheSyntheticRepliesBehindItAlong) {
    Script script = prepared();
    const std::string failed = error("22012", "division by zero");
    script.logs_in("b")
        .client_sends(
            "b",
            parse("y", "select 1") + run("y") + close('S', "y") + parse("z", "select 1") + sync()
        )
        // Whether there is a y to close is known when the first batch is answered.
        .expects_to_server(run("penstock_1"))
        .server_sends(bind_complete() + failed + ready_for_query())
        .expects_to_client(
            "b",
            parse_complete() + bind_complete() + failed + ready_for_query() + close_complete() +
                parse_complete()
        )
        .expects_to_server(sync())
        .server_sends(ready_for_query())
        .expects_to_client("b", ready_for_query());
    script.passes_in_all_ways();

    Script skipped = prepared();
    skipped.logs_in("b")
        .client_sends(
            "b",
            parse("y", "select 1") + bind_statement("", "y") + close('S', "y") +
                parse("z", "select 1") + sync()
        )
        .expects_to_server(bind_statement("", "penstock_1") + sync())
        .server_sends(failed + ready_for_query())
        .expects_to_client("b", parse_complete() + failed + ready_for_query())
        // The Close and the Parse were discarded: y is there, z is not.
        .client_sends("b", run("y"))
        .expects_to_server(run("penstock_1"))
        .server_sends(ran)
        .expects_to_client("b", ran)
        .client_sends("b", run("z"))
        .expects_to_server(run("z"))
        .server_sends(error("26000", "prepared statement \"z\" does not exist") + ready_for_query())
        .expects_to_client(
            "b", error("26000", "prepared statement \"z\" does not exist") + ready_for_query()
        );
    skipped.passes_in_all_ways();
}

TEST(StatementPath, FlushBehindSyntheticRepliesOnlyGivesThem) {
    Script script = prepared();
    script.logs_in("b")
        .client_sends("b", parse("y", "select 1") + flush())
        .expects_to_server(flush())
        .expects_to_client("b", parse_complete())
        .client_sends("b", close('S', "y") + flush())
        .expects_to_server(flush())
        .expects_to_client("b", close_complete())
        .client_sends("b", sync())
        .expects_to_server(sync())
        .server_sends(ready_for_query())
        .expects_to_client("b", ready_for_query());
    script.passes_in_all_ways();
}

TEST(StatementPath, SameNameAgainIsTheDatabasesErrorWithTheClientsName) {
    Script script = prepared();
    script.client_sends(parse("x", "select 2") + run("x"))
        .expects_to_server(parse("penstock_1", "select 2") + run("penstock_1"))
        .server_sends(
            error("42P05", "prepared statement \"penstock_1\" already exists") + ready_for_query()
        )
        .expects_to_client(
            error("42P05", "prepared statement \"x\" already exists") + ready_for_query()
        )
        .client_sends(run("x"))
        .expects_to_server(run("penstock_1"))
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
        .expects_to_server(
            "t", parse("penstock_1", "select 1") + parse("penstock_1", "select 2") + sync()
        )
        .server_sends(
            "t",
            parse_complete() + error("42P05", "prepared statement \"penstock_1\" already exists") +
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
        error("26000", "prepared statement \"penstock_0\" does not exist") + ready_for_query();
    const std::string told =
        error("26000", "prepared statement \"penstock_1\" does not exist") + ready_for_query();
    script.logs_in("b")
        .client_sends("b", run("penstock_1"))
        .expects_to_server(run("penstock_0"))
        .server_sends(missing)
        .expects_to_client("b", told)
        .client_sends("b", describe('S', "penstock_1") + close('S', "penstock_1") + sync())
        .expects_to_server(describe('S', "penstock_0") + close('S', "penstock_0") + sync())
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
        .c_string("penstock_1")
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
        .expects_to_server(parse("penstock_1", "select 1") + run("penstock_1"))
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
            .expects_to_server(run("penstock_1"))
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
