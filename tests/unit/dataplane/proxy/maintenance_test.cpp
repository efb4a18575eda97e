// What time brings about: timeouts, limits, drain.
#include "tests/support/script.hpp"

#include <gtest/gtest.h>

namespace penstock::proxy {
namespace {

using namespace test;
using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(Maintenance, QueueDeadlineRefusesAndKeepsTheConnection) {
    Settings settings = plain_settings();
    settings.queue_wait_timeout = seconds(2);
    Script script = pooled(settings, 1);
    script.logs_in("b")
        .logs_in("d")
        .client_sends(query("select 1"))
        .expects_to_server(query("select 1"))
        .client_sends("b", query("select 2"))
        .client_sends("d", parse("", "select 3") + bind_statement("", "") + execute() + sync())
        .after(milliseconds(1900))
        .expects_to_client("b", "")
        .after(milliseconds(200))
        .expects_error("b", "53300", ready_for_query())
        .expects_error("d", "53300", ready_for_query())
        .expects_open_still("b")
        .server_sends(one_row("1"))
        .expects_to_client(one_row("1"))
        .client_sends("b", query("select 2"))
        .expects_to_server(query("select 2"))
        .server_sends(one_row("2"))
        .expects_to_client("b", one_row("2"));
    script.passes_in_all_ways();
}

TEST(Maintenance, RefusedClientsNextRequestHasItsOwnDeadline) {
    Settings settings = plain_settings();
    settings.queue_wait_timeout = seconds(2);
    Script script = pooled(settings, 1);
    script.logs_in("b")
        .client_sends(query("select 1"))
        .client_sends("b", query("select 2") + query("select 3"))
        .after(milliseconds(2100))
        .expects_error("b", "53300", ready_for_query())
        .after(milliseconds(1800))
        .expects_to_client("b", "")
        .after(milliseconds(300))
        .expects_error("b", "53300", ready_for_query());
    script.fails_cleanly_at_each_step();
}

TEST(Maintenance, LoginTimeout) {
    Settings settings = plain_settings();
    settings.client_login_timeout = seconds(5);
    Script silent(settings);
    silent.opens("a")
        .client_sends(Script::startup_of_client().substr(0, 10))
        .after(seconds(4))
        .expects_open_still("a")
        .after(seconds(2))
        .expects_to_client("")  // it has asked for nothing
        .expects_closed("a");
    silent.passes_in_all_ways();
    // The database does not answer: those who log in do not wait for ever.
    Script welcoming(settings);
    welcoming.opens("a")
        .client_sends(Script::startup_of_client())
        .expects_to_client(authentication_ok())
        .after(seconds(6))
        .expects_error("a", "08006")
        .expects_closed("a");
    welcoming.passes_in_all_ways();
}

TEST(Maintenance, QueryTimeout) {
    Settings settings = plain_settings();
    settings.query_timeout = seconds(5);
    Script script = pooled(settings);
    script.client_sends(query("select 1"))
        .expects_to_server(query("select 1"))
        .after(seconds(4))
        .expects_to_client("")
        .after(milliseconds(1500))
        .expects_error("a", "57014")
        .expects_closed("a")
        .expects_cancel("c")
        .expects_to_server("c", cancel_request(4711, "\1\2\3\4"))
        .closes("c")
        .server_sends(error_response().code("57014").message("x").bytes() + ready_for_query())
        .expects_open_still("s");
    script.passes_in_all_ways();
}

TEST(Maintenance, QueryTimeoutInsideARowSaysNothing) {
    Settings settings = plain_settings();
    settings.query_timeout = seconds(5);
    Script script = pooled(settings);
    const std::string part = data_row("a long value").substr(0, 12);
    script.client_sends(query("select 1"))
        .server_sends(part)
        .expects_to_client(part)
        .after(seconds(6))
        .expects_to_client("")
        .expects_closed("a");
    script.fails_cleanly_at_each_step();
}

TEST(Maintenance, IdleInTransactionTimeout) {
    Settings settings = plain_settings();
    settings.idle_in_transaction_timeout = seconds(5);
    Script script = pooled(settings);
    script.client_sends(query("begin"))
        .expects_to_server(query("begin"))
        .after(seconds(60))
        .server_sends(done("BEGIN", 'T'))
        .expects_to_client(done("BEGIN", 'T'))
        .after(seconds(4))
        .expects_to_client("")
        .after(milliseconds(1500))
        .expects_error("a", "25P03")
        .expects_closed("a")
        .expects_to_server(query("ROLLBACK"))
        .server_sends(done("ROLLBACK"))
        .expects_open_still("s");
    script.passes_in_all_ways();
}

TEST(Maintenance, TransactionTimeout) {
    Settings settings = plain_settings();
    settings.transaction_timeout = seconds(5);
    Script script = pooled(settings);
    script.client_sends(query("begin"))
        .expects_to_server(query("begin"))
        .server_sends(done("BEGIN", 'T'))
        .after(seconds(3))
        .client_sends(query("select 1"))
        .server_sends(one_row("1", 'T'))
        .expects_to_client(done("BEGIN", 'T') + one_row("1", 'T'))
        .after(milliseconds(2500))
        .expects_error("a", "25P04")
        .expects_closed("a")
        .expects_to_server(query("select 1") + query("ROLLBACK"))
        .server_sends(done("ROLLBACK"));
    script.passes_in_all_ways();
}

TEST(Maintenance, TransactionTimeoutLeavesIdleSessionsAlone) {
    Settings settings = plain_settings();
    settings.pool_mode = PoolMode::Session;
    settings.transaction_timeout = seconds(5);
    settings.idle_in_transaction_timeout = seconds(5);
    settings.query_timeout = seconds(5);
    Script script = pooled(settings);
    script.client_sends(query("select 1"))
        .expects_to_server(query("select 1"))
        .server_sends(one_row("1"))
        .expects_to_client(one_row("1"))
        .after(seconds(30))
        .expects_to_client("")
        .expects_open_still("a");
    script.passes_in_all_ways();
}

TEST(Maintenance, ClientIdleTimeout) {
    Settings settings = plain_settings();
    settings.client_idle_timeout = seconds(5);
    Script script = pooled(settings);
    script.after(seconds(4))
        .client_sends(query("select 1"))
        .expects_to_server(query("select 1"))
        .after(seconds(10))
        .server_sends(one_row("1"))
        .expects_to_client(one_row("1"))
        .after(seconds(4))
        .expects_to_client("")
        .after(milliseconds(1500))
        .expects_error("a", "57P05")
        .expects_closed("a")
        .expects_open_still("s");
    script.passes_in_all_ways();
}

TEST(Maintenance, ServerIdleTimeout) {
    Settings settings = plain_settings();
    settings.server_idle_timeout = seconds(5);
    Script script = pooled(settings);
    script.after(seconds(4))
        .expects_open_still("s")
        .after(milliseconds(1500))
        .expects_closed("s")
        .expects_to_server(terminate())
        .closes("s")
        .expects_open_still("a");
    script.passes_in_all_ways();
}

TEST(Maintenance, ServerLifetimeEndsBetweenTransactions) {
    Settings settings = plain_settings();
    settings.server_lifetime = seconds(5);
    Script script = pooled(settings);
    script.client_sends(query("select 1"))
        .expects_to_server(query("select 1"))
        .after(seconds(6))
        .expects_open_still("s")
        .server_sends(one_row("1"))
        .expects_to_client(one_row("1"))
        .expects_closed("s")
        .expects_to_server(terminate())
        .closes("s");
    script.passes_in_all_ways();
}

TEST(Maintenance, ConnectTimeoutIsTheLoginsEnd) {
    Settings settings = plain_settings();
    settings.server_connect_timeout = seconds(5);
    Script script(settings);
    script.opens("a")
        .client_sends(Script::startup_of_client())
        .expects_to_client(authentication_ok())
        .expects_server("s")
        .then([](ScriptPlay& play) { play.links.take_sent(play.index("s")); })
        .after(milliseconds(5500))
        .expects_closed("s")
        .expects_error("a", "08006")
        .expects_closed("a")
        .closes("s")
        .then([](ScriptPlay& play) { EXPECT_EQ(play.board.used(), 0); });
    script.passes_in_all_ways();
}

TEST(Maintenance, ServerThatNeverClosesIsGivenUp) {
    Script script = pooled();
    script.then([](ScriptPlay& play) { play.links.set_limit(0); })
        .expects_to_server(terminate())
        .after(seconds(59))
        .then([](ScriptPlay& play) { EXPECT_TRUE(play.link("s").is_open); })
        .after(seconds(2))
        .then([](ScriptPlay& play) {
            EXPECT_FALSE(play.link("s").is_open);
            EXPECT_EQ(play.board.used(), 0);
        });
    script.passes_in_all_ways();
}

TEST(Maintenance, DrainHandsClientsOffAtTheEndOfTheirTransactions) {
    Settings settings = plain_settings();
    settings.drain_timeout = seconds(30);
    Script script = pooled(settings);
    script.logs_in("b")
        .client_sends(query("begin"))
        .expects_to_server(query("begin"))
        .server_sends(done("BEGIN", 'T'))
        .expects_to_client(done("BEGIN", 'T'))
        .after(seconds(1))
        .then([](ScriptPlay& play) { play.links.drain(); })
        .expects_error("b", "57P01")
        .expects_closed("b")
        .expects_to_client("")
        .after(seconds(1))
        .client_sends(query("commit"))
        .expects_to_server(query("commit"))
        .server_sends(done("COMMIT"))
        .expects_to_client(done("COMMIT"))
        .after(milliseconds(400))
        .expects_open_still("a")
        .expects_to_client("")
        .after(milliseconds(200))
        .expects_error("a", "57P01")
        .expects_closed("a")
        .expects_closed("s")
        .expects_to_server(terminate())
        .closes("s")
        .after(milliseconds(100))
        .then([](ScriptPlay& play) { EXPECT_TRUE(play.links.is_drained); });
    script.passes_in_all_ways();
}

TEST(Maintenance, DrainLetsWaitingClientsHaveTheirTurn) {
    Settings settings = plain_settings();
    settings.drain_timeout = seconds(30);
    Script script = pooled(settings, 1);
    script.logs_in("b")
        .client_sends(query("select 1"))
        .client_sends("b", query("select 2"))
        .then([](ScriptPlay& play) { play.links.drain(); })
        .server_sends(one_row("1"))
        .expects_to_client(one_row("1"))
        .expects_to_server(query("select 1") + query("select 2"))
        .client_sends(query("select 3"))
        .expects_error("a", "57P01")
        .expects_closed("a")
        .server_sends(one_row("2"))
        .expects_to_client("b", one_row("2"))
        .expects_closed("s")
        .closes("s")
        .after(milliseconds(600))
        .expects_error("b", "57P01")
        .after(milliseconds(100))
        .then([](ScriptPlay& play) { EXPECT_TRUE(play.links.is_drained); });
    script.fails_cleanly_at_each_step();
}

TEST(Maintenance, LateDrainEndsWhoeverIsLeft) {
    Settings settings = plain_settings();
    settings.drain_timeout = seconds(5);
    Script script = pooled(settings);
    script.client_sends(query("begin"))
        .expects_to_server(query("begin"))
        .server_sends(done("BEGIN", 'T'))
        .expects_to_client(done("BEGIN", 'T'))
        .then([](ScriptPlay& play) { play.links.drain(); })
        .after(seconds(4))
        .expects_open_still("a")
        .after(milliseconds(1100))
        .expects_error("a", "57P01")
        .expects_closed("a")
        .expects_closed("s");
    script.fails_cleanly_at_each_step();
}

TEST(Maintenance, DrainInSessionModeWaitsForTheTransactionOnly) {
    Settings settings = plain_settings();
    settings.pool_mode = PoolMode::Session;
    settings.drain_timeout = seconds(30);
    Script script = pooled(settings);
    script.client_sends(query("select 1"))
        .then([](ScriptPlay& play) { play.links.drain(); })
        .expects_to_client("")
        .server_sends(one_row("1"))
        .expects_to_client(one_row("1"))
        .client_sends(parse("", "select 2") + flush())
        .expects_error("a", "57P01")
        .expects_closed("a");
    script.fails_cleanly_at_each_step();

    Script unsynced = pooled(settings);
    unsynced.client_sends(parse("", "select 1") + flush())
        .server_sends(parse_complete())
        .expects_to_client(parse_complete())
        .then([](ScriptPlay& play) { play.links.drain(); })
        .after(seconds(29))
        .expects_open_still("a")
        .expects_to_client("")
        .after(seconds(2))
        .expects_error("a", "57P01")
        .expects_closed("a");
    unsynced.fails_cleanly_at_each_step();
}

TEST(Maintenance, WhoeverIsHereAtTheVeryEndHearsWhy) {
    Script script = pooled();
    script.logs_in("b")
        .client_sends(query("select 1"))
        .expects_to_server(query("select 1"))
        .then([](ScriptPlay& play) {
            play.links.proxy.cut_off(play.links.now);
            play.links.perform();
        })
        .expects_error("a", "57P01")
        .expects_error("b", "57P01");
    script.passes();
}

TEST(Maintenance, DrainOfAnEmptyProxyIsDone) {
    pool::Board board(1, 1);
    ProxyLinks links(board, plain_settings());
    links.drain();
    EXPECT_TRUE(links.is_drained);
    links.drain();
    links.pass(seconds(1));
}

TEST(Maintenance, ClientsThatComeDuringADrainAreSentAway) {
    Settings settings = plain_settings();
    settings.drain_timeout = seconds(30);
    Script script = pooled(settings);
    script.client_sends(query("begin"))
        .server_sends(done("BEGIN", 'T'))
        .then([](ScriptPlay& play) { play.links.drain(); })
        .opens("b")
        .client_sends("b", Script::startup_of_client())
        .then([](ScriptPlay& play) {
            const auto all = messages(play.links.take_sent(play.index("b")));
            ASSERT_EQ(all.size(), 1U);
            EXPECT_EQ(wire::read_error(all[0].body).sql_state, "57P03");
        })
        .expects_closed("b");
    script.fails_cleanly_at_each_step();
}

TEST(Maintenance, LoginThatIsUnderWayInADrainHearsWhy) {
    Settings settings = plain_settings();
    settings.drain_timeout = seconds(30);
    Script script = pooled(settings);
    const std::string startup = Script::startup_of_client();
    script.opens("b")
        .client_sends("b", startup.substr(0, 20))
        .then([](ScriptPlay& play) { play.links.drain(); })
        .after(milliseconds(400))
        .expects_open_still("b")
        .client_sends("b", startup.substr(20))
        .expects_error("b", "57P03")
        .expects_closed("b")
        .opens("c")
        .after(milliseconds(400))
        .expects_open_still("c")
        .after(milliseconds(200))
        .expects_closed("c");
    script.fails_cleanly_at_each_step();
}

TEST(Maintenance, ManyIdleClientsAreHandedOffAtAPace) {
    Settings settings = plain_settings();
    settings.drain_timeout = seconds(30);
    pool::Board board(1, 1);
    ProxyLinks links(board, settings);
    for (int i = 0; i < 250; ++i) {
        links.receive(links.accept(), Script::startup_of_client());
        if (i > 0) continue;
        links.connect(1);
        links.receive(1, Script::welcome_of_server());
    }
    links.pass(seconds(1));
    links.drain();
    EXPECT_EQ(links.proxy.metrics().clients.get(), 150U);
    links.pass(milliseconds(30));
    EXPECT_EQ(links.proxy.metrics().clients.get(), 50U);
    links.expect_drains();
}

TEST(Maintenance, TicksAreSoonerWhileSomebodyWaits) {
    pool::Board board(1, 1);
    ProxyLinks links(board, plain_settings());
    links.tick();
    EXPECT_EQ(links.proxy.next_tick() - links.now, milliseconds(250));
    links.receive(links.accept(), Script::startup_of_client());
    EXPECT_LE(links.proxy.next_tick() - links.now, milliseconds(25));
}

}  // namespace
}  // namespace penstock::proxy
