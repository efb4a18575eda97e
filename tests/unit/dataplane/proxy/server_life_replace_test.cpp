// Servers that are checked before use, replaced after a change, or too many of a user or database.
#include "tests/support/script.hpp"

#include <gtest/gtest.h>

namespace penstock::proxy {
namespace {

using namespace test;
using std::chrono::milliseconds;
using std::chrono::seconds;

std::string empty_answer() { return empty_query_response() + ready_for_query(); }

Script idle_for(proxy::Duration idle, proxy::Duration delay) {
    Settings settings = plain_settings();
    settings.server_check_delay = delay;
    settings.server_connect_timeout = seconds(5);
    Script script(settings, 1);
    script.logs_in("a", "s").after(idle).client_sends(query("select 1"));
    return script;
}

TEST(ServerCheck, AServerThatWasIdleForLongIsAskedFirst) {
    Script script = idle_for(seconds(31), seconds(30));
    script.expects_to_server(query(""))
        .server_sends(empty_answer())
        .expects_to_server(query("select 1"))
        .server_sends(one_row("1"))
        .expects_to_client(one_row("1"))
        .client_sends(query("select 2"))
        .expects_to_server(query("select 2"))
        .server_sends(one_row("2"))
        .expects_to_client(one_row("2"));
    script.passes_in_all_ways();
}

TEST(ServerCheck, AServerThatWasIdleForShorterIsNotAsked) {
    Script script = idle_for(seconds(29), seconds(30));
    script.expects_to_server(query("select 1"))
        .server_sends(one_row("1"))
        .expects_to_client(one_row("1"));
    script.passes_in_all_ways();
}

TEST(ServerCheck, ADelayOfZeroAsksEachTime) {
    Script script = idle_for(milliseconds(1), seconds(0));
    script.expects_to_server(query(""))
        .server_sends(empty_answer())
        .expects_to_server(query("select 1"))
        .server_sends(one_row("1"))
        .expects_to_client(one_row("1"))
        .after(milliseconds(1))
        .client_sends(query("select 2"))
        .expects_to_server(query(""))
        .server_sends(empty_answer())
        .expects_to_server(query("select 2"))
        .server_sends(one_row("2"))
        .expects_to_client(one_row("2"));
    script.passes_in_all_ways();
}

TEST(ServerCheck, ADeadServersClientGetsAnotherOne) {
    for (const bool is_silent : {false, true}) {
        Script script = idle_for(seconds(31), seconds(30));
        script.expects_to_server(query(""));
        if (is_silent) {
            script.after(seconds(6));
        } else {
            script.closes("s");
        }
        script.expects_server("t")
            .server_logs_in("t")
            .expects_to_server("t", query("select 1"))
            .server_sends("t", one_row("1"))
            .expects_to_client(one_row("1"));
        script.passes_in_all_ways();
    }
}

TEST(ServerCheck, AnErrorInsteadOfAnAnswerReplacesTheServer) {
    Script script = idle_for(seconds(31), seconds(30));
    script.expects_to_server(query(""))
        .server_sends(fatal_response().code("57P01").message("x").bytes())
        .expects_to_server(terminate())
        .closes("s")
        .expects_server("t")
        .server_logs_in("t")
        .expects_to_server("t", query("select 1"))
        .server_sends("t", one_row("1"))
        .expects_to_client(one_row("1"));
    script.passes_in_all_ways();
}

TEST(ServerReplacement, AnotherAddressClosesIdleServersAtOnceAndHeldOnesAtTheirRelease) {
    Settings settings = plain_settings();
    Script script = pooled(settings, 2);
    settings.endpoint = 2;
    script.logs_in("b")
        .client_sends(query("begin"))
        .server_sends(done("BEGIN", 'T'))
        .client_sends("b", query("select 1"))
        .expects_server("t")
        .server_logs_in("t")
        .server_sends("t", one_row("1"))
        .expects_to_client("b", one_row("1"))
        .then([settings](ScriptPlay& play) { play.links.configure(settings); })
        .expects_closed("t")
        .expects_open_still("s")
        .client_sends(query("commit"))
        .server_sends(done("COMMIT"))
        .expects_to_client(done("BEGIN", 'T') + done("COMMIT"))
        .expects_closed("s")
        .closes("s")
        .closes("t")
        .client_sends("b", query("select 2"))
        .expects_server("u")
        .server_logs_in("u")
        .expects_to_server("u", query("select 2"))
        .server_sends("u", one_row("2"))
        .expects_to_client("b", one_row("2"))
        .then([](ScriptPlay& play) {
            for (const char* name : {"s", "t"}) play.links.take_sent(play.index(name));
        });
    script.passes();
    script.fails_cleanly_at_each_step();
}

TEST(ServerReplacement, ALoginAtTheOldAddressIsGivenUp) {
    Settings settings = plain_settings();
    Script script(settings, 1);
    settings.endpoint = 2;
    script.opens("a")
        .client_sends(Script::startup_of_client())
        .expects_to_client(authentication_ok())
        .expects_server("s")
        .then([settings](ScriptPlay& play) { play.links.configure(settings); })
        .expects_closed("s")
        .closes("s")
        .expects_server("t")
        .server_logs_in("t")
        .expects_welcome("a")
        .then([](ScriptPlay& play) { play.links.take_sent(play.index("s")); });
    script.passes();
    script.fails_cleanly_at_each_step();
}

TEST(ServerReplacement, AnotherPoolModeIsForClientsThatComeLater) {
    Settings settings = plain_settings();
    Script script = pooled(settings, 2);
    settings.pool_mode = PoolMode::Session;
    script.then([settings](ScriptPlay& play) { play.links.configure(settings); })
        .client_sends(query("select 1"))
        .server_sends(one_row("1"))
        .expects_to_client(one_row("1"))
        .then([](ScriptPlay& play) {
            EXPECT_EQ(play.links.proxy.metrics().servers_idle.get(), 1U) << "mode Transaction";
        })
        .logs_in("b", "t")
        .client_sends("b", query("select 2"))
        .expects_to_server("t", query("select 2"))
        .server_sends("t", one_row("2"))
        .expects_to_client("b", one_row("2"))
        .then([](ScriptPlay& play) {
            EXPECT_EQ(play.links.proxy.metrics().servers_busy.get(), 1U) << "mode Session";
            play.links.take_sent(play.index("s"));
        });
    script.passes();
    script.fails_cleanly_at_each_step();
}

TEST(ServerReplacement, WithoutTrackingStatementsArePassedThrough) {
    Settings settings = plain_settings();
    settings.prepared_statements_max = 0;
    Script script = pooled(settings, 1);
    const std::string batch = parse("one", "select 1") + bind_statement("", "one") + execute() +
                              close('S', "one") + sync();
    script.client_sends(batch).expects_to_server(batch);
    script.fails_cleanly_at_each_step();
}

TEST(ServerLimits, APoolsFirstServerTakesThePlaceOfAnIdleOneOfItsUser) {
    Settings settings = plain_settings();
    settings.server_limits.per_user = 1;
    Script script = pooled(settings);
    script.opens("b")
        .client_sends("b", startup_message({{"user", "app"}, {"database", "other"}}))
        .expects_to_client("b", authentication_ok())
        .expects_closed("s")
        .expects_to_server(terminate())
        .expects_no_open()
        .closes("s")
        .after(milliseconds(30))
        .expects_server("t")
        .then([](ScriptPlay& play) {
            play.links.take_sent(play.index("t"));
            play.links.receive(play.index("t"), Script::welcome_of_server());
        })
        .expects_welcome("b");
    script.passes();
    script.fails_cleanly_at_each_step();
}

// Two pools of one user would else open servers only to close them for each other.
TEST(ServerLimits, AServerThatIsWaitedForServesBeforeItMakesWay) {
    Settings settings = plain_settings();
    settings.server_limits.per_user = 1;
    Script script = pooled(settings);
    script.opens("b")
        .client_sends("b", startup_message({{"user", "app"}, {"database", "other"}}))
        .closes("s")
        .after(milliseconds(30))
        .expects_server("t")
        .then([](ScriptPlay& play) {
            play.links.receive(play.index("t"), Script::welcome_of_server());
        })
        .expects_welcome("b")
        .client_sends("b", query("begin"))
        .server_sends("t", command_complete("BEGIN") + ready_for_query('T'))
        .client_sends(query("select 1"))
        .client_sends("b", query("commit"))
        .server_sends("t", command_complete("COMMIT") + ready_for_query())
        .expects_closed("t")
        .closes("t")
        .after(milliseconds(30))
        .expects_server("u")
        .client_sends("b", query("select 2"))
        .server_logs_in("u")
        .after(milliseconds(30))
        .expects_open_still("u")
        .expects_to_server("u", query("select 1"))
        .server_sends("u", one_row("1"))
        .expects_to_client(one_row("1"))
        .expects_closed("u")
        .then([](ScriptPlay& play) {
            for (const char* name : {"b", "s", "t", "u"}) play.links.take_sent(play.index(name));
        });
    script.passes();
}

TEST(ServerLimits, OtherUsersAndDatabasesAreNotConcerned) {
    for (const bool is_user : {true, false}) {
        Settings settings = plain_settings();
        (is_user ? settings.server_limits.per_user : settings.server_limits.per_database) = 1;
        Script script = pooled(settings);
        const std::string other = is_user ? startup_message({{"user", "b"}, {"database", "orders"}})
                                          : startup_message({{"user", "app"}, {"database", "b"}});
        script.opens("b")
            .client_sends("b", other)
            .expects_to_client("b", authentication_ok())
            .expects_open_still("s")
            .expects_server("t")
            .then([](ScriptPlay& play) {
                play.links.take_sent(play.index("t"));
                play.links.receive(play.index("t"), Script::welcome_of_server());
            })
            .expects_welcome("b");
        script.passes();
    }
}

TEST(ServerLimits, ALoweredLimitClosesTheFreeServersBeyondIt) {
    Settings settings = plain_settings();
    Script script = pooled(settings);
    settings.server_limits.per_database = 1;
    script.logs_in("b")
        .client_sends(query("select 1"))
        .client_sends("b", query("select 2"))
        .expects_server("t")
        .server_logs_in("t")
        .then([settings](ScriptPlay& play) { play.links.configure(settings); })
        .expects_open_still("s")
        .expects_open_still("t")
        .server_sends(one_row("1"))
        .expects_closed("s")
        .closes("s")
        .server_sends("t", one_row("2"))
        .then([](ScriptPlay& play) {
            for (const char* name : {"a", "b", "s", "t"}) play.links.take_sent(play.index(name));
        });
    script.passes();
    script.fails_cleanly_at_each_step();
}

TEST(ServerLimits, LoginsInFlightAreThoseOfAllWorkers) {
    Settings settings = plain_settings();
    settings.logins_in_flight_max = 1;
    pool::Board board(2, 10);
    ProxyLinks first(board, settings, 0);
    ProxyLinks second(board, settings, 1);
    for (ProxyLinks* worker : {&first, &second}) {
        worker->fingerprint.clear();
        const std::size_t client = worker->accept();
        const std::string user = worker == &first ? "app" : "other";
        worker->receive(client, startup_message({{"user", user}, {"database", "orders"}}));
    }
    const std::size_t opened = first.newest(LinkKind::Server);
    ASSERT_LT(opened, first.links.size());
    EXPECT_EQ(second.newest(LinkKind::Server), second.links.size()) << "one at a time";
    first.connect(opened);
    first.receive(opened, Script::welcome_of_server());
    second.pass(milliseconds(30));
    EXPECT_LT(second.newest(LinkKind::Server), second.links.size());
    first.expect_drains();
    second.expect_drains();
    EXPECT_EQ(board.logins(), 0);
    EXPECT_EQ(board.server_counts.names(), 0U);
}

}  // namespace
}  // namespace penstock::proxy
