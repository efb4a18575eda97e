// Bytes of a logged-in server.
#include "tests/support/script.hpp"

#include <gtest/gtest.h>

namespace penstock::proxy {
namespace {

using namespace test;

const std::string admin_shutdown =
    fatal_response().code("57P01").message("terminating connection").bytes();

Script querying() {
    Script script = pooled();
    script.client_sends(query("select 1")).expects_to_server(query("select 1"));
    return script;
}

TEST(ServerPath, FatalReachesTheClientInTheDatabasesWords) {
    Script script = querying();
    script.server_sends(admin_shutdown)
        .expects_to_client(admin_shutdown)
        .expects_closed("a")
        .expects_closed("s")
        .expects_to_server(terminate())
        .closes("s")
        .expects_no_open();
    script.passes_in_all_ways();
}

TEST(ServerPath, FatalOnAnIdleServerIsNobodysAndTheServerIsNotHandedOut) {
    Script script = pooled();
    script.server_sends(admin_shutdown)
        .expects_to_client("")
        .expects_closed("s")
        .expects_to_server(terminate())
        .client_sends(query("select 1"))
        .expects_server("t")
        .server_logs_in("t")
        .expects_to_server("t", query("select 1"))
        .closes("s")
        .server_sends("t", one_row("1"))
        .expects_to_client(one_row("1"));
    script.passes_in_all_ways();
}

TEST(ServerPath, FatalRightBehindReadyForQueryIsTheServersAlone) {
    Script script = querying();
    script.server_sends(one_row("1") + admin_shutdown)
        .expects_to_client(one_row("1"))
        .expects_closed("s")
        .expects_to_server(terminate())
        .closes("s");
    script.passes_in_all_ways();
}

TEST(ServerPath, FatalInACommittedSessionIsHeard) {
    Settings settings = plain_settings();
    settings.pool_mode = PoolMode::Session;
    Script script = pooled(settings);
    script.client_sends(query("select 1"))
        .expects_to_server(query("select 1"))
        .server_sends(one_row("1"))
        .expects_to_client(one_row("1"))
        .server_sends(admin_shutdown)
        .expects_to_client(admin_shutdown)
        .expects_closed("a")
        .expects_closed("s")
        .expects_to_server(terminate())
        .closes("s");
    script.passes_in_all_ways();
}

TEST(ServerPath, ServerThatClosesUnderAQueryIsReported) {
    Script script = querying();
    script.server_sends(row_description())
        .expects_to_client(row_description())
        .closes("s")
        .expects_error("a", "08006")
        .expects_closed("a");
    script.passes_in_all_ways();
}

TEST(ServerPath, NothingIsSaidInsideARow) {
    Script script = querying();
    const std::string part = data_row("a long value").substr(0, 12);
    script.server_sends(part)
        .expects_to_client(part)
        .closes("s")
        .expects_closed("a")
        .expects_to_client("");
    script.passes_in_all_ways();
}

TEST(ServerPath, ServerThatClosesInATransactionIsReported) {
    Script script = pooled();
    script.client_sends(query("begin"))
        .server_sends(done("BEGIN", 'T'))
        .expects_to_client(done("BEGIN", 'T'))
        .expects_to_server(query("begin"))
        .closes("s")
        .expects_error("a", "08006")
        .expects_closed("a");
    script.passes_in_all_ways();
}

TEST(ServerPath, IdleServerThatClosesIsReplacedInSilence) {
    Script script = pooled();
    script.closes("s")
        .expects_to_client("")
        .client_sends(query("select 1"))
        .expects_server("t")
        .server_logs_in("t")
        .expects_to_server("t", query("select 1"))
        .server_sends("t", one_row("1"))
        .expects_to_client(one_row("1"));
    script.passes_in_all_ways();
}

TEST(ServerPath, ServerThatBreaksTheOrderIsClosedWithItsClient) {
    for (const std::string& sent :
         {bind_complete(),
          parse_complete(),
          portal_suspended(),
          message('y', "?"),
          bytes("D\0\0\0\3")}) {
        SCOPED_TRACE(readable(sent));
        Script script = querying();
        script.server_sends(sent)
            .expects_error("a", "08P01")
            .expects_closed("a")
            .expects_closed("s")
            .expects_cancel("c")
            .expects_to_server("c", cancel_request(4711, "\1\2\3\4"))
            .closes("c")
            .closes("s");
        script.passes();
        script.fails_cleanly_at_each_step();
    }
}

TEST(ServerPath, ReadyForQueryWithoutItsStatusIsAFault) {
    for (const std::string body : {"", "II"}) {
        Script script = querying();
        script.server_sends(message('Z', body))
            .expects_error("a", "08P01")
            .expects_closed("a")
            .expects_to_server(terminate())
            .closes("s");
        script.passes_in_all_ways();
    }
}

TEST(ServerPath, IdleServerThatSpeaksIsClosed) {
    for (const std::string& bytes :
         {one_row("1"),
          ready_for_query(),
          error_response().code("XX000").message("?").bytes(),
          bytes("Z\0\0\0\0")}) {
        SCOPED_TRACE(readable(bytes));
        Script script = pooled();
        script.server_sends(bytes)
            .expects_to_client("")
            .expects_closed("s")
            .expects_to_server(terminate())
            .closes("s");
        script.passes_in_all_ways();
    }
}

TEST(ServerPath, ErrorOfASimpleQueryKeepsTheServer) {
    Script script = querying();
    const std::string failed =
        error_response().code("42P01").message("no table").bytes() + ready_for_query();
    script.server_sends(failed)
        .expects_to_client(failed)
        .client_sends(query("select 2"))
        .expects_to_server(query("select 2"))
        .server_sends(one_row("2"))
        .expects_to_client(one_row("2"));
    script.passes_in_all_ways();
}

TEST(ServerPath, OddErrorsAreForwarded) {
    for (const std::string& body :
         {std::string(), bytes("\0"), bytes("Mno code\0\0"), std::string("S"), bytes("CXX\0")}) {
        Script script = querying();
        script.server_sends(message('E', body) + ready_for_query())
            .expects_to_client(message('E', body) + ready_for_query());
        script.passes_in_all_ways();
    }
}

TEST(ServerPath, NoticesGoToTheClientWhoseServerItIs) {
    Script script = querying();
    const std::string notice = notice_response().code("00000").message("hello").bytes();
    script.server_sends(notice + one_row("1") + notice)
        .expects_to_client(notice + one_row("1"))
        .expects_open_still("s");
    script.passes_in_all_ways();
}

TEST(ServerPath, StateThatAClientLeftIsRemovedBehindItsLastReply) {
    const std::string cleaning = query("RESET SESSION AUTHORIZATION;RESET ROLE;RESET ALL;");
    Script script = pooled(plain_settings(), 1);
    script.logs_in("b")
        .client_sends(query("set role other"))
        .expects_to_server(query("set role other"))
        .client_sends("b", query("select 2"))
        .server_sends(done("SET"))
        .expects_to_client(done("SET"))
        .expects_to_server(cleaning)
        .server_sends(command_complete("RESET") + command_complete("RESET") + done("RESET"))
        .expects_to_server(query("select 2"))
        .server_sends(one_row("2"))
        .expects_to_client("b", one_row("2"))
        .expects_to_server("");
    script.passes_in_all_ways();
}

TEST(ServerPath, SetThatEndsWithItsTransactionCleansNothing) {
    Script script = pooled();
    const std::string sql = query("begin; set local role other; select 1; commit");
    const std::string replies = command_complete("BEGIN") + command_complete("SET") +
                                row_description() + data_row("1") + command_complete("SELECT 1") +
                                done("COMMIT");
    script.client_sends(sql)
        .expects_to_server(sql)
        .server_sends(replies)
        .expects_to_client(replies)
        .expects_to_server("");
    script.passes_in_all_ways();
}

TEST(ServerPath, ServerThatLoadedALibraryIsNotUsedAgain) {
    Script script = pooled();
    script.client_sends(query("load 'x'"))
        .expects_to_server(query("load 'x'"))
        .server_sends(done("LOAD"))
        .expects_to_client(done("LOAD"))
        .expects_to_server(terminate())
        .closes("s");
    script.passes_in_all_ways();
}

TEST(ServerPath, ListenIsRefusedByAnErrorInItsPlace) {
    Script script = pooled();
    const std::string failed = error_response().code("42883").message("no function").bytes();
    script.client_sends(query("begin") + query("listen a"))
        .expects_to_server(query("begin") + query("SELECT penstock_refused_this_message()"))
        .server_sends(done("BEGIN", 'T'))
        .expects_to_client(done("BEGIN", 'T'))
        .server_sends(failed + ready_for_query('E'))
        .expects_error("a", "0A000", ready_for_query('E'));
    script.passes_in_all_ways();
}

TEST(ServerPath, NotificationOfNobodyReachesNobody) {
    Script script = querying();
    const std::string notification = message('A', bytes("\0\0\0\1news\0x\0"));
    script.server_sends(notification + one_row("1"))
        .expects_to_client(one_row("1"))
        .expects_to_server(query("UNLISTEN *;"))
        .server_sends(notification + done("UNLISTEN"))
        .expects_to_client("")
        .expects_to_server("");
    script.passes_in_all_ways();
}

TEST(ServerPath, EmptyQueryIsAnswered) {
    Script script = pooled();
    script.client_sends(query(""))
        .expects_to_server(query(""))
        .server_sends(empty_query_response() + ready_for_query())
        .expects_to_client(empty_query_response() + ready_for_query());
    script.passes_in_all_ways();
}

}  // namespace
}  // namespace penstock::proxy
