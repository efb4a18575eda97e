// SQL about statements that the protocol prepared: what servers hear, and what waits for it.
#include "tests/support/statement_script.hpp"

#include <gtest/gtest.h>

namespace penstock::proxy {
namespace {

using namespace test;

TEST(CommandPath, DeallocateTakesTheClientsNameAndLeavesTheStatementToOthers) {
    Script script = prepared();
    script.logs_in("b")
        .client_sends("b", parse("y", "select 1") + sync())
        .expects_to_server(close('S', ours(1)) + parse(ours(1), "select 1") + sync())
        .server_sends(close_complete() + parse_complete() + ready_for_query())
        .expects_to_client("b", parse_complete() + ready_for_query())
        // What follows in the same send waits for the answer.
        .client_sends(query("deallocate x") + parse("x", "select 2") + sync())
        .expects_to_server(parse(empty_one, "") + query("deallocate " + empty_one))
        .server_sends(parse_complete() + done("DEALLOCATE"))
        .expects_to_client(done("DEALLOCATE"))
        .expects_to_server(parse(ours(2), "select 2") + sync())
        .server_sends(parse_complete() + ready_for_query())
        .expects_to_client(parse_complete() + ready_for_query())
        .client_sends("b", run("y"))
        .expects_to_server(run(ours(1)))
        .server_sends(ran)
        .expects_to_client("b", ran);
    script.passes_in_all_ways();
}

TEST(CommandPath, DeallocateThatFailsTakesNothing) {
    Script script = prepared();
    const std::string failed = error("57014", "canceled") + ready_for_query();
    script.client_sends(query("deallocate x"))
        .expects_to_server(parse(empty_one, "") + query("deallocate " + empty_one))
        .server_sends(parse_complete() + failed)
        .expects_to_client(failed)
        .client_sends(run("x"))
        .expects_to_server(run(ours(1)))
        .server_sends(ran)
        .expects_to_client(ran);
    script.passes_in_all_ways();
}

TEST(CommandPath, ExecuteOfAStatementThatCannotBePreparedIsAnsweredAsAQuery) {
    Script script = prepared();
    const std::string failed = error("42P01", "no table");
    script.logs_in("b")
        .client_sends("b", query("begin"))
        .expects_to_server(query("begin"))
        .client_sends(query("execute x"))
        .expects_server("t")
        .server_logs_in("t")
        .expects_to_server("t", parse(ours(1), "select 1") + query("execute " + ours(1)))
        .server_sends("t", failed)
        .expects_to_client(failed)
        .expects_to_server("t", sync())
        .server_sends("t", ready_for_query())
        .expects_to_client(ready_for_query());
    script.passes_in_all_ways();
}

TEST(CommandPath, ErrorOfACommandHasTheClientsNameAndPosition) {
    Script script = prepared();
    const auto refused = [](std::string_view name, std::string_view position) {
        std::string out;
        MessageWriter writer(out, Backend::ErrorResponse);
        writer.byte('C').c_string("42P05");
        writer.byte('M').c_string("prepared statement \"" + std::string(name) + "\" is odd");
        writer.byte('P').c_string(position).byte('\0');
        return out;
    };
    const std::string there =
        std::to_string(20 + static_cast<int>(empty_one.size()) - 1);  // instead of "x"
    script.client_sends(query("prepare x as select 2"))
        .expects_to_server(parse(empty_one, "") + query("prepare " + empty_one + " as select 2"))
        .then([&](ScriptPlay& play) {
            play.links.receive(
                play.index("s"), parse_complete() + refused(empty_one, there) + ready_for_query()
            );
        })
        .then([&](ScriptPlay& play) {
            EXPECT_EQ(
                readable(play.links.take_sent(play.index("a"))),
                readable(refused("x", "20") + ready_for_query())
            );
        });
    script.passes();
}

TEST(CommandPath, NamesThatTheClientDoesNotHaveAreLeftAlone) {
    Script script = prepared();
    for (const std::string sql : {"deallocate y", "execute y(1)", "deallocate y; select 1"}) {
        script.client_sends(query(sql))
            .expects_to_server(query(sql))
            .server_sends(error("26000", "no such statement") + ready_for_query())
            .expects_to_client(error("26000", "no such statement") + ready_for_query());
    }
    script.passes_in_all_ways();
}

TEST(CommandPath, SeveralInOneTextAreEachNamed) {
    Script script = prepared();
    const std::string second_empty = empty_one + "1";
    const std::string failed = error("22012", "division by zero") + ready_for_query();
    script.client_sends(parse("y", "select 2") + parse("z", "select 3") + sync())
        .expects_to_server(parse(ours(2), "select 2") + parse(ours(3), "select 3") + sync())
        .server_sends(parse_complete() + parse_complete() + ready_for_query())
        .expects_to_client(parse_complete() + parse_complete() + ready_for_query())
        .setup_ends()
        .client_sends(query("execute x; deallocate x; execute x; deallocate z"))
        .expects_to_server(
            parse(empty_one, "") + parse(second_empty, "") +
            query(
                "execute " + ours(1) + "; deallocate " + empty_one + "; execute x; deallocate " +
                second_empty
            )
        )
        .server_sends(
            parse_complete() + parse_complete() + command_complete("INSERT 0 1") +
            command_complete("DEALLOCATE") + failed
        )
        .expects_to_client(command_complete("INSERT 0 1") + command_complete("DEALLOCATE") + failed)
        // Only what was carried out is gone.
        .client_sends(run("z"))
        .expects_to_server(run(ours(3)))
        .server_sends(ran)
        .expects_to_client(ran)
        .client_sends(query("deallocate z"))
        .expects_to_server(parse(empty_one, "") + query("deallocate " + empty_one))
        .server_sends(parse_complete() + done("DEALLOCATE"))
        .expects_to_client(done("DEALLOCATE"));
    script.passes();
}

TEST(CommandPath, ExecuteByTheExtendedProtocolMeansWhatTheNameMeansAtItsUse) {
    Script script = prepared();
    script.client_sends(parse("e", "execute x") + sync())
        .expects_to_server(parse(ours(2), "execute " + ours(1)) + sync())
        .server_sends(parse_complete() + ready_for_query())
        .expects_to_client(parse_complete() + ready_for_query())
        .setup_ends()
        .client_sends(run("e"))
        .expects_to_server(run(ours(2)))
        .server_sends(ran)
        .expects_to_client(ran)
        .client_sends(close('S', "x") + parse("x", "select 5") + sync())
        .expects_to_server(close('S', our_prefix + "0") + parse(ours(3), "select 5") + sync())
        .server_sends(close_complete() + parse_complete() + ready_for_query())
        .expects_to_client(close_complete() + parse_complete() + ready_for_query())
        .client_sends(run("e"))
        .expects_to_server(parse(ours(4), "execute " + ours(3)) + run(ours(4)))
        .server_sends(parse_complete() + ran)
        .expects_to_client(ran)
        .client_sends(close('S', "x") + sync())
        .expects_to_server(close('S', our_prefix + "0") + sync())
        .server_sends(close_complete() + ready_for_query())
        .expects_to_client(close_complete() + ready_for_query())
        .client_sends(run("e"))
        .expects_to_server(parse(ours(5), "execute x") + run(ours(5)))
        .server_sends(
            parse_complete() + bind_complete() + error("26000", "no such statement") +
            ready_for_query()
        )
        .expects_to_client(
            bind_complete() + error("26000", "no such statement") + ready_for_query()
        );
    script.passes_in_all_ways();
}

TEST(CommandPath, WhatSqlPreparedIsRemovedBeforeAStrangerComes) {
    Script script = prepared();
    script.client_sends(query("prepare mine as select 1"))
        .expects_to_server(query("prepare mine as select 1"))
        .server_sends(done("PREPARE"))
        .expects_to_client(done("PREPARE"))
        .expects_to_server(query("DEALLOCATE ALL"))
        .server_sends(done("DEALLOCATE ALL"))
        .client_sends(run("x"))
        .expects_to_server(parse(ours(1), "select 1") + run(ours(1)))
        .server_sends(parse_complete() + ran)
        .expects_to_client(ran);
    script.passes_in_all_ways();
}

}  // namespace
}  // namespace penstock::proxy
