// How prepared statements end: closed, failed, evicted, replaced, stale, all at once; and what is
// undone when the server discarded it.
#include "tests/support/statement_script.hpp"

#include <gtest/gtest.h>

namespace penstock::proxy {
namespace {

using namespace test;
using std::chrono::seconds;

TEST(StatementUndo, ParseThatFailsLeavesNoName) {
    Script script = pooled();
    const std::string failed = error("42601", "syntax error") + ready_for_query();
    const std::string missing = error("26000", "no x") + ready_for_query();
    script.client_sends(parse("x", "selekt") + run("x"))
        .expects_to_server(parse(ours(1), "selekt") + run(ours(1)))
        .server_sends(failed)
        .expects_to_client(failed)
        .client_sends(run("x"))
        .expects_to_server(run("x"))
        .server_sends(missing)
        .expects_to_client(missing)
        .client_sends(parse("x", "select 2") + sync())
        .expects_to_server(parse(ours(2), "select 2") + sync())
        .server_sends(parse_complete() + ready_for_query())
        .expects_to_client(parse_complete() + ready_for_query());
    script.passes_in_all_ways();
}

TEST(StatementUndo, CloseAndParseOfTheSameNameInOneBatch) {
    Script script = prepared();
    const std::string batch = close('S', "x") + parse("x", "select 2") + run("x");
    script.client_sends(batch)
        .expects_to_server(close('S', ours(0)) + parse(ours(2), "select 2") + run(ours(2)))
        .server_sends(close_complete() + parse_complete() + ran)
        .expects_to_client(close_complete() + parse_complete() + ran);
    script.passes_in_all_ways();
}

TEST(StatementUndo, CloseAndParseOfTheSameNameAreUndoneAfterAnError) {
    Script script = prepared();
    const std::string failed = error("22012", "division by zero") + ready_for_query();
    script.client_sends(bind_statement("", "x") + close('S', "x") + parse("x", "select 2") + sync())
        .expects_to_server(
            bind_statement("", ours(1)) + close('S', ours(0)) + parse(ours(2), "select 2") + sync()
        )
        .server_sends(failed)
        .expects_to_client(failed)
        .client_sends(run("x"))
        .expects_to_server(run(ours(1)))
        .server_sends(ran)
        .expects_to_client(ran)
        .client_sends(parse("y", "select 2") + sync())
        .expects_to_server(parse(ours(3), "select 2") + sync())
        .server_sends(parse_complete() + ready_for_query())
        .expects_to_client(parse_complete() + ready_for_query());
    script.passes_in_all_ways();
}

TEST(StatementUndo, ServersLimitEvictsTheOneUsedLongestAgo) {
    Settings settings = plain_settings();
    settings.prepared_statements_max = 2;
    Script script = prepared(settings);
    script.client_sends(parse("y", "select 2") + parse("z", "select 3") + sync())
        .expects_to_server(
            parse(ours(2), "select 2") + close('S', ours(1)) + parse(ours(3), "select 3") + sync()
        )
        .server_sends(parse_complete() + close_complete() + parse_complete() + ready_for_query())
        .expects_to_client(parse_complete() + parse_complete() + ready_for_query())
        .client_sends(run("x"))
        .expects_to_server(close('S', ours(2)) + parse(ours(1), "select 1") + run(ours(1)))
        .server_sends(close_complete() + parse_complete() + ran)
        .expects_to_client(ran);
    script.passes_in_all_ways();
}

TEST(StatementUndo, EvictionThatWasDiscardedIsUndone) {
    Settings settings = plain_settings();
    settings.prepared_statements_max = 1;
    Script script = prepared(settings);
    const std::string failed = error("22012", "division by zero") + ready_for_query();
    script.client_sends(bind_statement("", "x") + parse("y", "select 2") + sync())
        .expects_to_server(
            bind_statement("", ours(1)) + close('S', ours(1)) + parse(ours(2), "select 2") + sync()
        )
        .server_sends(failed)
        .expects_to_client(failed)
        .client_sends(run("x"))
        .expects_to_server(run(ours(1)))
        .server_sends(ran)
        .expects_to_client(ran);
    script.passes_in_all_ways();
}

TEST(StatementUndo, InjectedParseThatWasDiscardedIsSentAgain) {
    Script script = prepared();
    const std::string failed = error("25P02", "aborted") + ready_for_query();
    script.logs_in("b")
        .client_sends("b", query("begin"))
        .expects_to_server(query("begin"))
        .client_sends(parse("", "bad") + run("x"))
        .expects_server("t")
        .server_logs_in("t")
        .expects_to_server("t", parse("", "bad") + parse(ours(1), "select 1") + run(ours(1)))
        .server_sends("t", failed)
        .expects_to_client(failed)
        .client_sends(run("x"))
        .expects_to_server("t", parse(ours(1), "select 1") + run(ours(1)))
        .server_sends("t", parse_complete() + ran)
        .expects_to_client(ran);
    script.passes_in_all_ways();
}

TEST(StatementUndo, UnnamedStatementIsNeverAnotherClients) {
    Script script = pooled();
    script.logs_in("b")
        .client_sends(parse("", "select 'a'") + sync())
        .expects_to_server(parse("", "select 'a'") + sync())
        .server_sends(parse_complete() + ready_for_query())
        .expects_to_client(parse_complete() + ready_for_query())
        // "b" has none: the database shall say so.
        .client_sends("b", run(""))
        .expects_to_server(close('S', "") + run(""))
        .server_sends(
            close_complete() + error("26000", "unnamed prepared statement does not exist") +
            ready_for_query()
        )
        .expects_to_client(
            "b", error("26000", "unnamed prepared statement does not exist") + ready_for_query()
        )
        .client_sends("b", parse("", "select 'b'") + sync())
        .expects_to_server(parse("", "select 'b'") + sync())
        .server_sends(parse_complete() + ready_for_query())
        .expects_to_client("b", parse_complete() + ready_for_query())
        // "a" gets its own back.
        .client_sends(describe('S', "") + run(""))
        .expects_to_server(parse("", "select 'a'") + describe('S', "") + run(""))
        .server_sends(parse_complete() + parameter_description() + no_data() + ran)
        .expects_to_client(parameter_description() + no_data() + ran)
        .client_sends(run(""))
        .expects_to_server(run(""))
        .server_sends(ran)
        .expects_to_client(ran);
    script.passes_in_all_ways();
}

TEST(StatementUndo, UnnamedStatementEndsWithClosesQueriesAndFailures) {
    struct Case {
        std::string asked;
        std::string answered;
    };
    const std::string failed = error("42601", "syntax error") + ready_for_query();
    const Case cases[]{
        {close('S', "") + sync(), close_complete() + ready_for_query()},
        {query("select 2"), one_row("2")},
        {parse("", "selekt") + sync(), failed},
    };
    for (const Case& c : cases) {
        SCOPED_TRACE(readable(c.asked));
        const std::string missing = error("26000", "does not exist") + ready_for_query();
        Script script = pooled();
        script.client_sends(parse("", "select 1") + sync())
            .expects_to_server(parse("", "select 1") + sync())
            .server_sends(parse_complete() + ready_for_query())
            .expects_to_client(parse_complete() + ready_for_query())
            .client_sends(c.asked)
            .expects_to_server(c.asked)
            .server_sends(c.answered)
            .expects_to_client(c.answered)
            .client_sends(run(""))
            .then([](ScriptPlay& play) {
                // Whether one is left is not always known: then it is closed first.
                const std::string sent = play.links.take_sent(play.index("s"));
                EXPECT_TRUE(types(sent) == "BES" || types(sent) == "CBES") << readable(sent);
                if (types(sent) == "CBES") play.links.receive(play.index("s"), close_complete());
            })
            .server_sends(missing)
            .expects_to_client(missing);
        script.passes_in_all_ways();
    }
}

TEST(StatementUndo, DeallocateAllTakesTheClientsNamesAndTheServers) {
    for (const std::string tag : {"DEALLOCATE ALL", "DISCARD ALL"}) {
        Script script = prepared();
        const std::string missing = error("26000", "no x") + ready_for_query();
        script.logs_in("b")
            .client_sends("b", parse("y", "select 1") + sync())
            .expects_to_server(close('S', ours(1)) + parse(ours(1), "select 1") + sync())
            .server_sends(close_complete() + parse_complete() + ready_for_query())
            .expects_to_client("b", parse_complete() + ready_for_query())
            .client_sends(query(tag))
            .expects_to_server(query(tag))
            .server_sends(done(tag))
            .expects_to_client(done(tag))
            .client_sends(run("x"))
            .expects_to_server(run("x"))
            .server_sends(missing)
            .expects_to_client(missing)
            .client_sends("b", run("y"))
            .expects_to_server(parse(ours(1), "select 1") + run(ours(1)))
            .server_sends(parse_complete() + ran)
            .expects_to_client("b", ran);
        script.passes_in_all_ways();
    }
}

TEST(StatementUndo, WhatIsSentBehindDeallocateAllStands) {
    Script script = prepared();
    script.client_sends(query("deallocate all") + parse("y", "select 1") + run("y"))
        .then([](ScriptPlay& play) { play.links.take_sent(play.index("s")); });
    script.server_sends(done("DEALLOCATE ALL")).expects_to_client(done("DEALLOCATE ALL"));
    script.fails_cleanly_at_each_step();

    Script behind = prepared();
    behind.client_sends(query("deallocate all") + parse("y", "select 2") + run("y"))
        .expects_to_server(query("deallocate all"))
        .server_sends(done("DEALLOCATE ALL"))
        .expects_to_client(done("DEALLOCATE ALL"))
        .expects_to_server(parse(ours(2), "select 2") + run(ours(2)))
        .server_sends(parse_complete() + ran)
        .expects_to_client(parse_complete() + ran)
        .client_sends(run("y"))
        .expects_to_server(run(ours(2)))
        .server_sends(ran)
        .expects_to_client(ran);
    behind.passes_in_all_ways();
}

TEST(StatementUndo, StalePlanIsMadeAnewAtItsNextUseAndNoOtherIs) {
    Script script = prepared();
    std::string stale;
    MessageWriter(stale, Backend::ErrorResponse)
        .bytes(std::string_view("SERROR\0C0A000\0Mzwischengespeicherter Plan\0", 42))
        .bytes(std::string_view("RRevalidateCachedQuery\0\0", 24));
    script.client_sends(parse("y", "select 2") + sync())
        .expects_to_server(parse(ours(2), "select 2") + sync())
        .server_sends(parse_complete() + ready_for_query())
        .expects_to_client(parse_complete() + ready_for_query())
        .client_sends(run("x"))
        .expects_to_server(run(ours(1)))
        .server_sends(stale + ready_for_query('E'))
        .expects_to_client(stale + ready_for_query('E'))
        // In the same transaction, whose savepoint is the client's way out.
        .client_sends(query("rollback to a"))
        .expects_to_server(query("rollback to a"))
        .server_sends(done("ROLLBACK", 'T'))
        .expects_to_client(done("ROLLBACK", 'T'))
        .client_sends(run("x"))
        .expects_to_server(close('S', ours(1)) + parse(ours(1), "select 1") + run(ours(1)))
        .server_sends(close_complete() + parse_complete() + ran)
        .expects_to_client(ran)
        .client_sends(run("y") + run("x"))
        .expects_to_server(run(ours(2)) + run(ours(1)))
        .server_sends(ran + ran)
        .expects_to_client(ran + ran);
    script.passes_in_all_ways();
}

}  // namespace
}  // namespace penstock::proxy
