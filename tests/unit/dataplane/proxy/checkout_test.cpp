// Who gets which server, and when one comes back.
#include "tests/support/script.hpp"

#include <gtest/gtest.h>

namespace penstock::proxy {
namespace {

using namespace test;
using std::chrono::milliseconds;
using std::chrono::seconds;

// One server, which "a" holds with its query.
Script busy(const Settings& settings = plain_settings()) {
    Script script = pooled(settings, 1);
    script.logs_in("b")
        .logs_in("d")
        .client_sends(query("select 1"))
        .expects_to_server(query("select 1"));
    return script;
}

TEST(Checkout, FreedServerGoesToTheOldestWaiter) {
    Script script = busy();
    script.client_sends("b", query("select 'b'"))
        .after(milliseconds(10))
        .client_sends("d", query("select 'd'"))
        .server_sends(one_row("1"))
        .expects_to_client(one_row("1"))
        .expects_to_server(query("select 'b'"))
        .server_sends(one_row("b"))
        .expects_to_client("b", one_row("b"))
        .expects_to_server(query("select 'd'"))
        .server_sends(one_row("d"))
        .expects_to_client("d", one_row("d"));
    script.passes_in_all_ways();
}

TEST(Checkout, WhoComesLaterDoesNotOvertake) {
    Script script = busy();
    script.client_sends("b", query("select 'b'"))
        .server_sends(one_row("1"))
        .expects_to_client(one_row("1"))
        .client_sends(query("select 2"))
        .expects_to_server(query("select 'b'"))
        .server_sends(one_row("b"))
        .expects_to_client("b", one_row("b"))
        .expects_to_server(query("select 2"))
        .server_sends(one_row("2"))
        .expects_to_client(one_row("2"));
    script.passes_in_all_ways();
}

TEST(Checkout, WaitingClientThatLeavesIsForgotten) {
    Script script = busy();
    script.client_sends("b", query("select 'b'"))
        .client_sends("d", query("select 'd'"))
        .closes("b")
        .server_sends(one_row("1"))
        .expects_to_client(one_row("1"))
        .expects_to_server(query("select 'd'"))
        .server_sends(one_row("d"))
        .expects_to_client("d", one_row("d"));
    script.passes_in_all_ways();
}

TEST(Checkout, ParametersAreReplayedInOneSendWithTheBatch) {
    Script script = pooled();
    const std::string batch = parse("", "select 1") + bind_statement("", "") + execute() + sync();
    const std::string replies =
        parse_complete() + bind_complete() + data_row("1") + done("SELECT 1");
    script.logs_in_with("b", "s", "TimeZone", "GMT", "GMT")
        .client_sends(batch)
        .expects_to_server(query("RESET TimeZone;") + batch)
        .server_sends(parameter_status("TimeZone", "UTC") + done("SET") + replies)
        .expects_to_client(replies)
        .client_sends(query("select 2"))
        .expects_to_server(query("select 2"))
        .server_sends(one_row("2"))
        .expects_to_client(one_row("2"));
    script.passes_in_all_ways();
}

TEST(Checkout, RefusedQueryKeepsTheConnection) {
    Script script = busy();
    script
        .then([](ScriptPlay& play) {
            play.board.throttle.enforced = true;
            play.board.throttle.queue_length_max = 1;
        })
        .client_sends("b", query("select 'b'"))
        .client_sends("d", query("select 'd'"))
        .then([](ScriptPlay& play) {
            const auto all = messages(play.link("d").sent);
            ASSERT_EQ(all.size(), 2U);
            const std::string& body = all[0].body;
            EXPECT_NE(
                body.find("reason=queue_length waiting=1 retry_after_ms="), std::string::npos
            );
            EXPECT_EQ(wire::read_error(body).severity, "ERROR");
        })
        .expects_error("d", "53300", ready_for_query())
        .expects_open_still("d")
        .server_sends(one_row("1"))
        .expects_to_client(one_row("1"))
        .expects_to_server(query("select 'b'"))
        .server_sends(one_row("b"))
        .expects_to_client("b", one_row("b"))
        .client_sends("d", query("select 'd'"))
        .expects_to_server(query("select 'd'"))
        .server_sends(one_row("d"))
        .expects_to_client("d", one_row("d"));
    script.passes_in_all_ways();
}

TEST(Checkout, RefusedExtendedQueryIsDiscardedToItsSync) {
    Script script = busy();
    const std::string batch = parse("x", "select 1") + bind_statement("", "x") + describe('P', "") +
                              execute() + close('S', "x") + flush();
    script
        .then([](ScriptPlay& play) {
            play.board.throttle.enforced = true;
            play.board.throttle.queue_length_max = 1;
        })
        .client_sends("b", query("select 'b'"))
        .client_sends("d", batch)
        .expects_error("d", "53300")
        .client_sends("d", query("discarded too") + sync())
        .expects_to_client("d", ready_for_query())
        .server_sends(one_row("1"))
        .expects_to_client(one_row("1"))
        .expects_to_server(query("select 'b'"))
        .server_sends(one_row("b"))
        .expects_to_client("b", one_row("b"))
        .client_sends("d", query("select 'd'"))
        .expects_to_server(query("select 'd'"))
        .server_sends(one_row("d"))
        .expects_to_client("d", one_row("d"));
    script.passes_in_all_ways();
}

TEST(Checkout, RefusedLongQueryIsSkippedToItsEnd) {
    Script script = busy();
    const std::string large = query(std::string(10'000, 'x'));
    script
        .then([](ScriptPlay& play) {
            play.board.throttle.enforced = true;
            play.board.throttle.queue_length_max = 1;
        })
        .client_sends("b", query("select 'b'"))
        .client_sends("d", large.substr(0, 500))
        .expects_error("d", "53300", ready_for_query())
        .client_sends("d", large.substr(500) + sync())
        .expects_to_client("d", ready_for_query())
        .server_sends(one_row("1"))
        .expects_to_client(one_row("1"))
        .expects_to_server(query("select 'b'"));
    script.fails_cleanly_at_each_step();
    script.server_sends(one_row("b")).expects_to_client("b", one_row("b"));
    script.passes();
}

TEST(Checkout, PolicyThatIsOnlyObservedRefusesNothingAndCounts) {
    Script script = busy();
    script.then([](ScriptPlay& play) { play.board.throttle.queue_length_max = 1; })
        .client_sends("b", query("select 'b'"))
        .client_sends("d", query("select 'd'"))
        .expects_to_client("d", "")
        .then([](ScriptPlay& play) {
            EXPECT_EQ(play.links.proxy.metrics().would_refuse.get(), 1U);
            EXPECT_EQ(play.links.proxy.metrics().transactions_refused.get(), 0U);
        });
    script.fails_cleanly_at_each_step();
}

TEST(Checkout, PolicysLimitOnTransactionsAtOnceLetsTheOthersWait) {
    Script script = pooled();
    script.logs_in("b")
        .then([](ScriptPlay& play) {
            play.board.throttle.enforced = true;
            play.board.throttle.concurrency_max = 1;
        })
        .client_sends(query("select 1"))
        .expects_to_server(query("select 1"))
        .client_sends("b", query("select 2"))
        .after(seconds(1))
        .expects_to_server("")
        .server_sends(one_row("1"))
        .expects_to_client(one_row("1"))
        .expects_to_server(query("select 2"))
        .server_sends(one_row("2"))
        .expects_to_client("b", one_row("2"));
    script.fails_cleanly_at_each_step();
}

TEST(Checkout, SessionModeKeepsTheServerUntilTheClientLeaves) {
    Settings settings = plain_settings();
    settings.pool_mode = PoolMode::Session;
    Script script = pooled(settings, 1);
    script.opens("b")
        .client_sends("b", Script::startup_of_client())
        .expects_to_client("b", authentication_ok())
        .client_sends(query("select 1"))
        .expects_to_server(query("select 1"))
        .server_sends(one_row("1"))
        .expects_to_client(one_row("1"))
        .client_sends("b", query("select 2"))
        .expects_to_server("")
        .client_sends(terminate())
        .expects_to_server(query("DISCARD ALL"))
        .server_sends(done("DISCARD ALL"))
        .expects_welcome("b")
        .expects_to_server(query("select 2"))
        .server_sends(one_row("2"))
        .expects_to_client("b", one_row("2"))
        .then([](ScriptPlay& play) { EXPECT_EQ(play.links.proxy.metrics().transactions.get(), 2U); }
        );
    script.passes_in_all_ways();
}

TEST(Checkout, TransactionsAreCountedAndTimed) {
    Script script = busy();
    script.client_sends("b", query("select 2"))
        .after(milliseconds(100))
        .server_sends(one_row("1"))
        .server_sends(one_row("2"))
        .then([](ScriptPlay& play) {
            const Metrics& m = play.links.proxy.metrics();
            EXPECT_EQ(m.transactions_offered.get(), 2U);
            EXPECT_EQ(m.transactions.get(), 2U);
            EXPECT_EQ(m.queries.get(), 2U);
            EXPECT_NEAR(static_cast<double>(m.wait_us.get()), 100'000, 2'000);
            EXPECT_NEAR(static_cast<double>(m.hold_us.get()), 100'000, 2'000);
            EXPECT_EQ(m.clients_waiting.get(), 0U);
            EXPECT_EQ(m.servers_idle.get(), 1U);
        });
    script.fails_cleanly_at_each_step();
}

}  // namespace
}  // namespace penstock::proxy
