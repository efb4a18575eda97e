// COPY of a logged-in client: both ways, its Syncs, its failures, and clients that leave it.
#include "tests/support/script.hpp"

#include <gtest/gtest.h>

namespace penstock::proxy {
namespace {

using namespace test;
using std::chrono::seconds;

const std::string batch = parse("", "select 1") + bind_statement("", "") + execute() + sync();

TEST(ClientPath, CopyInBySimpleQuery) {
    Script script = pooled();
    script.client_sends(query("copy t from stdin"))
        .expects_to_server(query("copy t from stdin"))
        .server_sends(copy_in_response())
        .expects_to_client(copy_in_response())
        .client_sends(copy_data("1\n") + copy_data("2\n") + copy_done())
        .expects_to_server(copy_data("1\n") + copy_data("2\n") + copy_done())
        .server_sends(done("COPY 2"))
        .expects_to_client(done("COPY 2"));
    script.passes_in_all_ways();
}

TEST(ClientPath, CopyInByExecuteIgnoresTheSyncBeforeItsEnd) {
    Script script = pooled();
    script.client_sends(batch)
        .expects_to_server(batch)
        .server_sends(parse_complete() + bind_complete() + copy_in_response())
        .expects_to_client(parse_complete() + bind_complete() + copy_in_response())
        .client_sends(copy_data("1\n") + sync() + copy_done())
        .expects_to_server(copy_data("1\n") + sync() + copy_done())
        .server_sends(command_complete("COPY 1"))
        .expects_to_client(command_complete("COPY 1"))
        .client_sends(sync())
        .expects_to_server(sync())
        .server_sends(ready_for_query())
        .expects_to_client(ready_for_query());
    script.passes_in_all_ways();
}

TEST(ClientPath, CopyInWithAllQueuedBeforeItStarts) {
    Script script = pooled();
    const std::string copy = batch + copy_data("1\n") + copy_done() + sync();
    const std::string replies =
        parse_complete() + bind_complete() + copy_in_response() + done("COPY 1");
    script.client_sends(copy)
        .expects_to_server(copy)
        .server_sends(replies)
        .expects_to_client(replies)
        .client_sends(query("select 1"))
        .expects_to_server(query("select 1"))
        .server_sends(one_row("1"))
        .expects_to_client(one_row("1"));
    script.passes_in_all_ways();
}

TEST(ClientPath, ServerIsFreeAfterACopyWithAQueryQueuedBehindItsSync) {
    Script script = pooled(plain_settings(), 1);
    const std::string error = error_response().code("22P02").message("invalid input").bytes();
    const std::string copy = parse("", "copy") + bind_statement("", "") + execute() +
                             copy_data("x\n") + copy_done() + sync() + query("select 1");
    script.logs_in("b")
        .client_sends(copy)
        .expects_to_server(copy)
        .server_sends(parse_complete() + bind_complete() + copy_in_response())
        .expects_to_client(parse_complete() + bind_complete() + copy_in_response())
        .client_sends("b", query("select 2"))
        .server_sends(error + ready_for_query() + one_row("1"))
        .expects_to_client(error + ready_for_query() + one_row("1"))
        .expects_to_server(query("select 2"))
        .server_sends(one_row("2"))
        .expects_to_client("b", one_row("2"));
    script.passes_in_all_ways();
}

TEST(ClientPath, ServerIsUnsyncedAfterACopyWhoseSyncWasIgnored) {
    // The Sync was read in mid-COPY: the transaction of the batch goes on, whoever sends what.
    Script script = pooled(plain_settings(), 1);
    script.logs_in("b")
        .client_sends(batch)
        .server_sends(parse_complete() + bind_complete() + copy_in_response())
        .client_sends(copy_done())
        .server_sends(command_complete("COPY 0"))
        .expects_to_server(batch + copy_done())
        .expects_to_client(
            parse_complete() + bind_complete() + copy_in_response() + command_complete("COPY 0")
        )
        .client_sends("b", query("select 2"))
        .client_sends(copy_data("late data of a broken client"))
        .expects_to_server(copy_data("late data of a broken client"))
        .client_sends(sync())
        .expects_to_server(sync())
        .server_sends(ready_for_query())
        .expects_to_client(ready_for_query())
        .expects_to_server(query("select 2"))
        .server_sends(one_row("2"))
        .expects_to_client("b", one_row("2"));
    script.passes_in_all_ways();
}

TEST(ClientPath, CopyInThatFailsDropsTheDataThatIsStillComing) {
    Script script = pooled();
    const std::string error = error_response().code("22P02").message("invalid input").bytes();
    script.client_sends(query("copy t from stdin"))
        .server_sends(copy_in_response())
        .expects_to_client(copy_in_response())
        .client_sends(copy_data("x\n"))
        .expects_to_server(query("copy t from stdin") + copy_data("x\n"))
        .server_sends(error + ready_for_query())
        .expects_to_client(error + ready_for_query())
        .client_sends(copy_data("y\n") + copy_done())
        .expects_to_server("")
        .client_sends(query("select 1"))
        .expects_to_server(query("select 1"))
        .server_sends(one_row("1"))
        .expects_to_client(one_row("1"));
    script.passes_in_all_ways();
}

TEST(ClientPath, CopyOutIsForwarded) {
    Script script = pooled();
    const std::string rows =
        copy_out_response() + copy_data("1\n") + copy_data("2\n") + copy_done() + done("COPY 2");
    script.client_sends(query("copy t to stdout"))
        .expects_to_server(query("copy t to stdout"))
        .server_sends(rows)
        .expects_to_client(rows);
    script.passes_in_all_ways();
}

TEST(ClientPath, ClientGoneInCopyInFailsTheCopy) {
    struct Case {
        std::string begin;
        std::string answered;
        std::string end;
        bool is_certain;  // whether the server read a Sync with the data
    };
    const std::string error = error_response().code("57014").message("COPY failed").bytes();
    const std::string copy_failed = copy_fail("the client is gone");
    const Case cases[]{
        {query("copy"), copy_in_response(), copy_failed, true},
        {batch, parse_complete() + bind_complete() + copy_in_response(), aborts_batch(), false},
        {parse("", "copy") + bind_statement("", "") + execute() + flush(),
         parse_complete() + bind_complete() + copy_in_response(),
         aborts_batch(),
         true},
    };
    for (const Case& c : cases) {
        SCOPED_TRACE(readable(c.begin));
        Script script = pooled(plain_settings(), 1);
        script.logs_in("b")
            .client_sends(c.begin)
            .server_sends(c.answered)
            .expects_to_client(c.answered)
            .client_sends(copy_data("1\n"))
            .expects_to_server(c.begin + copy_data("1\n"))
            .closes("a")
            .expects_to_server(c.end)
            .expects_cancel("c")
            .expects_to_server("c", cancel_request(4711, "\1\2\3\4"))
            .closes("c")
            .client_sends("b", query("select 2"))
            .expects_to_server("")
            .server_sends(error + ready_for_query());
        if (c.is_certain) {
            script.expects_to_server(query("select 2"))
                .server_sends(one_row("2"))
                .expects_to_client("b", one_row("2"));
        } else {
            script.expects_closed("s").expects_to_server(terminate());
        }
        script.fails_cleanly_at_each_step();
        if (c.is_certain) script.passes_in_all_ways();
    }
}

TEST(ClientPath, CopyInOfAClientThatSaidGoodbyeIsFailed) {
    const std::string failed =
        error_response().code("57014").message("COPY failed").bytes() + ready_for_query();
    Script before = pooled();
    before.client_sends(query("copy t from stdin") + terminate())
        .expects_to_server(query("copy t from stdin"))
        .server_sends(copy_in_response())
        .expects_to_server(copy_fail("the client is gone"))
        .server_sends(failed)
        .expects_to_client(copy_in_response() + failed)
        .expects_closed("a")
        .expects_open_still("s");
    before.passes_in_all_ways();

    Script amid = pooled();
    amid.client_sends(query("copy t from stdin"))
        .expects_to_server(query("copy t from stdin"))
        .server_sends(copy_in_response())
        .expects_to_client(copy_in_response())
        .client_sends(terminate())
        .expects_open_still("a")
        .expects_to_server(copy_fail("the client is gone"))
        .server_sends(failed)
        .expects_to_client(failed)
        .expects_closed("a")
        .expects_open_still("s");
    amid.passes_in_all_ways();
}

}  // namespace
}  // namespace penstock::proxy
