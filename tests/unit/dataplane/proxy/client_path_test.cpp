// Bytes of a logged-in client.
#include "tests/support/script.hpp"

#include <gtest/gtest.h>

namespace penstock::proxy {
namespace {

using namespace test;
using std::chrono::seconds;

const std::string one_query = parse("", "select 1") + bind_statement("", "") + execute() + sync();

TEST(ClientPath, QueryGoesToTheServerAndItsRowsComeBack) {
    Script script = pooled();
    script.client_sends(query("select 1"))
        .expects_to_server(query("select 1"))
        .server_sends(one_row("1"))
        .expects_to_client(one_row("1"));
    script.passes_in_all_ways();
}

TEST(ClientPath, ExtendedQueryOfTheUnnamedStatementIsForwardedAsItIs) {
    Script script = pooled();
    const std::string replies = parse_complete() + bind_complete() + data_row("1") +
                                command_complete("SELECT 1") + ready_for_query();
    script.client_sends(one_query)
        .expects_to_server(one_query)
        .server_sends(replies)
        .expects_to_client(replies);
    script.passes_in_all_ways();
}

TEST(ClientPath, SeveralSyncsKeepTheServerUntilTheLastIsAnswered) {
    Script script = pooled(plain_settings(), 1);
    script.logs_in("b")
        .client_sends(sync() + sync() + query("select 1"))
        .expects_to_client(ready_for_query() + ready_for_query())
        .expects_to_server(query("select 1"))
        .client_sends(sync() + sync())
        .expects_to_server(sync() + sync())
        .client_sends("b", query("select 2"))
        .server_sends(one_row("1"))
        .expects_to_client(one_row("1"))
        .server_sends(ready_for_query())
        .expects_to_client(ready_for_query())
        .expects_to_server("")
        .server_sends(ready_for_query())
        .expects_to_client(ready_for_query())
        .expects_to_server(query("select 2"))
        .server_sends(one_row("2"))
        .expects_to_client("b", one_row("2"));
    script.passes_in_all_ways();
}

TEST(ClientPath, SyncAloneNeedsNoServer) {
    Script script = pooled();
    script.client_sends(sync() + sync())
        .expects_to_client(ready_for_query() + ready_for_query())
        .expects_to_server("");
    script.passes_in_all_ways();
}

TEST(ClientPath, FlushAloneNeedsNoServer) {
    Script script = pooled();
    script.client_sends(flush() + flush()).expects_to_client("").expects_to_server("");
    script.passes_in_all_ways();
}

TEST(ClientPath, FlushKeepsTheServerAndBringsRepliesWithoutReadyForQuery) {
    Script script = pooled();
    const std::string first = parse("", "select 1") + describe('S', "") + flush();
    const std::string described = parse_complete() + parameter_description() + row_description();
    script.client_sends(first)
        .expects_to_server(first)
        .server_sends(described)
        .expects_to_client(described)
        .client_sends(bind_statement("", "") + execute() + sync())
        .expects_to_server(bind_statement("", "") + execute() + sync())
        .server_sends(bind_complete() + command_complete("SELECT 0") + ready_for_query())
        .expects_to_client(bind_complete() + command_complete("SELECT 0") + ready_for_query());
    script.passes_in_all_ways();
}

TEST(ClientPath, ErrorInMidPipelineDiscardsUpToTheNextSyncOnly) {
    Script script = pooled();
    const std::string error = error_response().code("22012").message("division by zero").bytes();
    script.client_sends(one_query + one_query)
        .expects_to_server(one_query + one_query)
        .server_sends(parse_complete() + bind_complete() + error + ready_for_query())
        .expects_to_client(parse_complete() + bind_complete() + error + ready_for_query())
        .server_sends(parse_complete() + bind_complete() + done("SELECT 0"))
        .expects_to_client(parse_complete() + bind_complete() + done("SELECT 0"));
    script.passes_in_all_ways();
}

TEST(ClientPath, WhatAServerWouldDiscardIsNotSentToIt) {
    Script script = pooled();
    const std::string error = error_response().code("42601").message("syntax error").bytes();
    script.client_sends(parse("", "selekt") + flush())
        .expects_to_server(parse("", "selekt") + flush())
        .server_sends(error)
        .expects_to_client(error)
        .client_sends(
            bind_statement("", "") + query("select 1") + copy_data("x") + flush() + sync()
        )
        .expects_to_server(sync())
        .server_sends(ready_for_query())
        .expects_to_client(ready_for_query());
    script.passes_in_all_ways();
}

TEST(ClientPath, FunctionCallIsOneReplyAndReadyForQuery) {
    Script script = pooled();
    script.client_sends(function_call())
        .expects_to_server(function_call())
        .server_sends(function_call_response() + ready_for_query())
        .expects_to_client(function_call_response() + ready_for_query());
    script.passes_in_all_ways();
}

TEST(ClientPath, TransactionKeepsTheServer) {
    Script script = pooled(plain_settings(), 1);
    script.logs_in("b")
        .client_sends(query("begin"))
        .expects_to_server(query("begin"))
        .server_sends(done("BEGIN", 'T'))
        .expects_to_client(done("BEGIN", 'T'))
        .client_sends("b", query("select 2"))
        .client_sends(query("commit"))
        .expects_to_server(query("commit"))
        .server_sends(done("COMMIT"))
        .expects_to_client(done("COMMIT"))
        .expects_to_server(query("select 2"))
        .server_sends(one_row("2"))
        .expects_to_client("b", one_row("2"));
    script.passes_in_all_ways();
}

TEST(ClientPath, TerminateInMidTransactionRollsBack) {
    Script script = pooled();
    script.client_sends(query("begin"))
        .server_sends(done("BEGIN", 'T'))
        .expects_to_client(done("BEGIN", 'T'))
        .client_sends(terminate())
        .expects_closed("a")
        .expects_to_server(query("begin") + query("ROLLBACK"))
        .server_sends(done("ROLLBACK"))
        .expects_open_still("s")
        .expects_to_server("");
    script.passes_in_all_ways();
}

TEST(ClientPath, TerminateBehindAQueryLetsItBeDone) {
    Script script = pooled();
    script.client_sends(query("insert") + terminate())
        .expects_to_server(query("insert"))
        .expects_no_open()
        .server_sends(done("INSERT 0 1"))
        .expects_to_client(done("INSERT 0 1"))
        .expects_closed("a")
        .expects_to_server("")
        .logs_in("b")
        .client_sends("b", query("select 1"))
        .expects_to_server(query("select 1"))
        .server_sends(one_row("1"))
        .expects_to_client("b", one_row("1"));
    script.passes_in_all_ways();
}

TEST(ClientPath, UnsyncedBatchOfAClientThatEndsIsRolledBack) {
    const std::string unsynced = parse("", "insert") + bind_statement("", "") + execute();
    const std::string done_before = query("insert") + one_query;
    const std::string aborted = error_response().code("42601").message("syntax error").bytes();
    struct Case {
        std::string sent;
        bool is_broken;
    };
    const Case cases[]{{terminate(), false}, {message('!', ""), true}, {bytes("Q\0\0\0\3"), true}};
    for (const Case& c : cases) {
        SCOPED_TRACE(readable(c.sent));
        Script script = pooled();
        script.client_sends(done_before + unsynced + c.sent)
            .expects_to_server(done_before + unsynced + aborts_batch())
            .server_sends(
                done("INSERT 0 1") + parse_complete() + bind_complete() + done("INSERT 0 1")
            )
            .expects_to_client(
                done("INSERT 0 1") + parse_complete() + bind_complete() + done("INSERT 0 1")
            )
            .expects_open_still("a")
            .server_sends(parse_complete() + bind_complete() + command_complete("INSERT 0 1"))
            .expects_to_client("")
            .server_sends(aborted + ready_for_query())
            .then([is_broken = c.is_broken](ScriptPlay& play) {
                EXPECT_EQ(types(play.links.take_sent(play.index("a"))), is_broken ? "12CE" : "");
            });
        script.expects_closed("a").expects_open_still("s").expects_no_open();
        script.passes_in_all_ways();
    }
}

TEST(ClientPath, UnsyncedBatchOfAClientThatVanishesIsRolledBack) {
    const std::string aborted = error_response().code("42601").message("syntax error").bytes();
    Script parsed = pooled();
    parsed.client_sends(parse("", "insert"))
        .expects_to_server(parse("", "insert"))
        .closes("a")
        .expects_to_server(aborts_batch())
        .expects_no_open()
        .server_sends(parse_complete() + aborted + ready_for_query())
        .expects_open_still("s")
        .expects_to_server("");
    parsed.passes_in_all_ways();

    Script flushed = pooled();
    flushed.client_sends(parse("", "insert") + flush())
        .server_sends(parse_complete())
        .expects_to_client(parse_complete())
        .expects_to_server(parse("", "insert") + flush())
        .closes("a")
        .expects_to_server(aborts_batch().substr(copy_fail("the client is gone").size()))
        .server_sends(aborted + ready_for_query())
        .expects_open_still("s");
    flushed.passes_in_all_ways();

    const std::string error = error_response().code("42601").message("syntax error").bytes();
    Script failed = pooled();
    failed.client_sends(parse("", "selekt") + flush())
        .server_sends(error)
        .expects_to_client(error)
        .expects_to_server(parse("", "selekt") + flush())
        .closes("a")
        .expects_to_server(sync())
        .server_sends(ready_for_query())
        .expects_open_still("s");
    failed.passes_in_all_ways();
}

// A cancel that meets the second of two INSERTs would undo what PostgreSQL does.
TEST(ClientPath, SeveralRequestsOfAClientThatVanishesAreDone) {
    Script script = pooled();
    script.client_sends(query("insert 1") + query("insert 2"))
        .expects_to_server(query("insert 1") + query("insert 2"))
        .closes("a")
        .expects_no_open()
        .server_sends(done("INSERT 0 1") + done("INSERT 0 1"))
        .expects_open_still("s");
    script.passes_in_all_ways();
}

TEST(ClientPath, EndInMidMessageIsFoundByTheServerBehindWhatIsWhole) {
    Script script = pooled();
    const std::string half = query("insert " + std::string(100'000, '2')).substr(0, 50'000);
    script.client_sends(query("insert 1") + half)
        .expects_to_server(query("insert 1") + half)
        .then([](ScriptPlay& play) { play.links.end(play.index("a")); })
        .expects_open_still("a")
        .expects_closed("s")
        .expects_no_open()
        .server_sends(done("INSERT 0 1"))
        .expects_to_client(done("INSERT 0 1"))
        .expects_open_still("a")
        .closes("s")
        .expects_to_client("")
        .expects_closed("a");
    script.passes();
    script.fails_cleanly_at_each_step();
}

TEST(ClientPath, GoodbyeInCopyBothReachesTheServerAtOnce) {
    proxy::Settings settings = plain_settings();
    settings.pool_mode = proxy::PoolMode::Session;
    Script script = pooled(settings);
    script.client_sends(query("START_REPLICATION"))
        .server_sends(message('W', bytes("\0\0\0")))
        .expects_to_client(message('W', bytes("\0\0\0")))
        .expects_to_server(query("START_REPLICATION"))
        .client_sends(terminate())
        .expects_to_server(terminate())
        .expects_closed("s")
        .expects_open_still("a")
        .closes("s")
        .expects_to_client("")
        .expects_closed("a");
    script.passes_in_all_ways();
}

TEST(ClientPath, ClientGoneInMidMessageTakesTheServerWithIt) {
    const std::string part = query(std::string(10'000, 'x')).substr(0, 9);
    Script script = pooled();
    script.client_sends(part)
        .expects_to_server(part)
        .closes("a")
        .expects_closed("s")
        .expects_to_server("")
        .expects_cancel("c")
        .expects_to_server("c", cancel_request(4711, "\1\2\3\4"))
        .closes("s");
    script.passes_in_all_ways();
}

TEST(ClientPath, ClientGoneInMidResultCancelsAndTheServerIsUsedAgain) {
    Script script = pooled();
    const std::string error =
        error_response().code("57014").message("canceling statement due to user request").bytes();
    script.client_sends(query("select 1"))
        .expects_to_server(query("select 1"))
        .server_sends(row_description() + data_row("1"))
        .expects_to_client(row_description() + data_row("1"))
        .closes("a")
        .expects_cancel("c")
        .expects_to_server("c", cancel_request(4711, "\1\2\3\4"))
        .server_sends(data_row("2") + error + ready_for_query())
        .closes("c")
        .logs_in("b")
        .client_sends("b", query("select 2"))
        .expects_to_server(query("select 2"))
        .server_sends(one_row("2"))
        .expects_to_client("b", one_row("2"));
    script.passes_in_all_ways();
}

TEST(ClientPath, ClientGoneInATransactionRollsBack) {
    Script script = pooled();
    script.client_sends(query("begin"))
        .server_sends(done("BEGIN", 'T'))
        .expects_to_client(done("BEGIN", 'T'))
        .expects_to_server(query("begin"))
        .closes("a")
        .expects_to_server(query("ROLLBACK"))
        .expects_no_open()
        .server_sends(done("ROLLBACK"))
        .expects_open_still("s");
    script.passes_in_all_ways();
}

TEST(ClientPath, HalfClosedClientGetsWhatItIsOwed) {
    const auto ends = [](ScriptPlay& play) { play.links.end(play.index("a")); };
    Script owed = pooled();
    owed.client_sends(query("select 1"))
        .expects_to_server(query("select 1"))
        .then(ends)
        .expects_open_still("a")
        .server_sends(one_row("1"))
        .expects_to_client(one_row("1"))
        .expects_closed("a")
        .expects_open_still("s");
    owed.passes_in_all_ways();

    Script idle = pooled();
    idle.then(ends).expects_closed("a").expects_open_still("s");
    idle.passes_in_all_ways();

    Script copying = pooled();
    copying.client_sends(query("copy t from stdin"))
        .server_sends(copy_in_response())
        .expects_to_client(copy_in_response())
        .expects_to_server(query("copy t from stdin"))
        .then(ends)
        .expects_open_still("a")
        .expects_to_server(copy_fail("the client is gone"));
    copying.fails_cleanly_at_each_step();
}

TEST(ClientPath, BrokenFramesEndTheClientAndNotTheServer) {
    struct Case {
        std::string bytes;
        std::string sql_state;
    };
    const Case cases[]{
        {bytes("Q\0\0\0\3"), "08P01"},
        {bytes("Q\x7f\xff\xff\xff"), "08P01"},
        {bytes("y\0\0\0\4"), "08P01"},
        {message('p', "password"), "08P01"},
        {message('E', std::string(10'001, 'x')), "08P01"},
        {message('S', std::string(10'001, 'x')), "08P01"},
    };
    proxy::Settings settings = plain_settings();
    settings.message_bytes_max = 1'000'000;
    for (const Case& c : cases) {
        Script idle = pooled(settings);
        idle.client_sends(c.bytes.substr(0, 20))
            .expects_error("a", c.sql_state)
            .expects_closed("a")
            .expects_open_still("s");
        idle.passes();
        Script linked = pooled(settings);
        linked.client_sends(query("begin"))
            .server_sends(done("BEGIN", 'T'))
            .expects_to_client(done("BEGIN", 'T'))
            .client_sends(c.bytes.substr(0, 20))
            .expects_error("a", c.sql_state)
            .expects_closed("a")
            .expects_to_server(query("begin") + query("ROLLBACK"))
            .server_sends(done("ROLLBACK"))
            .expects_open_still("s");
        linked.passes();
    }
}

TEST(ClientPath, LongMessagesAreForwardedAsTheyArrive) {
    const std::string sql = query("select '" + std::string(200'000, 'x') + "'");
    Script script = pooled();
    script.client_sends(sql.substr(0, 70'000))
        .expects_to_server(sql.substr(0, 70'000))
        .client_sends(sql.substr(70'000))
        .expects_to_server(sql.substr(70'000))
        .server_sends(one_row("1"))
        .expects_to_client(one_row("1"));
    script.passes();
    script.fails_cleanly_at_each_step();
}

TEST(ClientPath, ServerThatAnswersBeforeTheMessageHasEndedStaysUntilItHas) {
    const std::string sql = query("select '" + std::string(10'000, 'x') + "'");
    const std::string error = error_response().code("54000").message("too long").bytes();
    Script script = pooled(plain_settings(), 1);
    script.logs_in("b")
        .client_sends(sql.substr(0, 50))
        .server_sends(error + ready_for_query())
        .expects_to_client(error + ready_for_query())
        .client_sends("b", query("select 2"))
        .expects_to_server(sql.substr(0, 50))
        .client_sends(sql.substr(50))
        .expects_to_server(sql.substr(50) + query("select 2"))
        .server_sends(one_row("2"))
        .expects_to_client("b", one_row("2"));
    script.passes();
    script.fails_cleanly_at_each_step();
}

TEST(ClientPath, WaitingClientIsNotReadBeyondItsShare) {
    Script script = pooled(plain_settings(), 1);
    const std::string large = query(std::string(70'000, 'x'));
    script.logs_in("b")
        .client_sends(query("select 1"))
        .expects_to_server(query("select 1"))
        .client_sends("b", large.substr(0, 40'000))
        .then([](ScriptPlay& play) { EXPECT_FALSE(play.link("b").is_paused); })
        .client_sends("b", large.substr(40'000))
        .then([](ScriptPlay& play) { EXPECT_TRUE(play.link("b").is_paused); })
        .server_sends(one_row("1"))
        .expects_to_client(one_row("1"))
        .then([](ScriptPlay& play) { EXPECT_FALSE(play.link("b").is_paused); })
        .expects_to_server(large)
        .server_sends(done("X"))
        .expects_to_client("b", done("X"));
    script.passes();
    script.fails_cleanly_at_each_step();
}

TEST(ClientPath, RefusedClientIsReadAgain) {
    proxy::Settings settings = plain_settings();
    settings.queue_wait_timeout = seconds(1);
    Script script = pooled(settings, 1);
    const std::string large = query(std::string(70'000, 'x'));
    script.logs_in("b")
        .client_sends(query("select 1"))
        .expects_to_server(query("select 1"))
        .client_sends("b", large.substr(0, 100))
        .client_sends("b", large.substr(100))
        .then([](ScriptPlay& play) { EXPECT_TRUE(play.link("b").is_paused); })
        .after(seconds(2))
        .expects_error("b", "53300", ready_for_query())
        .then([](ScriptPlay& play) { EXPECT_FALSE(play.link("b").is_paused); })
        .server_sends(one_row("1"))
        .expects_to_client(one_row("1"));
    script.passes();
    script.fails_cleanly_at_each_step();
}

}  // namespace
}  // namespace penstock::proxy
