// Opening, cleaning and closing servers.
#include "tests/support/script.hpp"

#include <gtest/gtest.h>

namespace penstock::proxy {
namespace {

using namespace test;
using std::chrono::milliseconds;
using std::chrono::seconds;

std::int32_t used(ScriptPlay& play) { return play.board.used(); }

TEST(ServerLife, PermitIsHeldFromBeforeTheOpenUntilTheEndOfTheStream) {
    Script script(plain_settings(), 1);
    script.opens("a")
        .client_sends(Script::startup_of_client())
        .expects_to_client(authentication_ok())
        .then([](ScriptPlay& play) { EXPECT_EQ(used(play), 1); })
        .expects_server()
        .server_logs_in("s")
        .expects_welcome("a")
        .then([](ScriptPlay& play) { play.links.set_limit(0); })
        .expects_closed("s")
        .expects_to_server(terminate())
        .then([](ScriptPlay& play) {
            EXPECT_EQ(used(play), 1) << "PostgreSQL still counts it";
            EXPECT_EQ(play.links.proxy.metrics().servers_closing.get(), 1U);
        })
        .closes("s")
        .then([](ScriptPlay& play) { EXPECT_EQ(used(play), 0); });
    script.passes_in_all_ways();
}

TEST(ServerLife, ShrunkLimitClosesIdleServersFirstAndBusyOnesWhenTheyAreFree) {
    Script script = pooled();
    script.logs_in("b")
        .client_sends(query("select 1"))
        .expects_to_server(query("select 1"))
        .client_sends("b", query("select 2"))
        .expects_server("t")
        .server_logs_in("t")
        .expects_to_server("t", query("select 2"))
        .server_sends("t", one_row("2"))
        .expects_to_client("b", one_row("2"))
        .then([](ScriptPlay& play) { play.links.set_limit(1); })
        .expects_closed("t")
        .expects_to_server("t", terminate())
        .expects_open_still("s")
        .then([](ScriptPlay& play) { play.links.set_limit(0); })
        .expects_open_still("s")
        .server_sends(one_row("1"))
        .expects_to_client(one_row("1"))
        .expects_closed("s")
        .expects_to_server(terminate())
        .closes("s")
        .closes("t");
    script.passes_in_all_ways();
}

TEST(ServerLife, OtherPoolsIdleServerGivesItsPermit) {
    Script script = pooled(plain_settings(), 1);
    script.opens("b")
        .client_sends("b", startup_message({{"user", "other"}, {"database", "orders"}}))
        .expects_to_client("b", authentication_ok())
        .expects_closed("s")
        .expects_to_server(terminate())
        .expects_no_open()
        .closes("s")
        .expects_server("t")
        .then([](ScriptPlay& play) {
            play.links.take_sent(play.index("t"));
            play.links.receive(play.index("t"), Script::welcome_of_server());
        })
        .expects_welcome("b");
    script.passes_in_all_ways();
}

TEST(ServerLife, FailedConnectIsToldToThoseWhoLogInAndRetriedLater) {
    Script script;
    script.opens("a")
        .client_sends(Script::startup_of_client())
        .expects_to_client(authentication_ok())
        .expects_server("s")
        .then([](ScriptPlay& play) { play.links.take_sent(play.index("s")); })
        .closes("s")
        .expects_error("a", "08006")
        .expects_closed("a")
        .then([](ScriptPlay& play) {
            EXPECT_NE(play.links.proxy.server_error().find("db:5432"), std::string::npos);
            EXPECT_EQ(play.links.proxy.metrics().server_login_failures.get(), 1U);
        })
        .opens("b")
        .client_sends("b", Script::startup_of_client())
        .expects_to_client("b", authentication_ok())
        .expects_no_open()
        .after(milliseconds(150))
        .expects_server("t")
        .server_logs_in("t")
        .expects_welcome("b")
        .then([](ScriptPlay& play) { EXPECT_EQ(play.links.proxy.server_error(), ""); });
    script.passes_in_all_ways();
}

TEST(ServerLife, RefusedServerLoginReachesTheClientInTheDatabasesWords) {
    Script script;
    script.opens("a")
        .client_sends(Script::startup_of_client())
        .expects_to_client(authentication_ok())
        .expects_server("s")
        .then([](ScriptPlay& play) { play.links.take_sent(play.index("s")); })
        .server_sends(fatal_response().code("3D000").message("database does not exist").bytes())
        .expects_closed("s")
        .expects_error("a", "3D000")
        .expects_closed("a");
    script.passes_in_all_ways();
}

TEST(ServerLife, DatabasesRefusalIsCounted) {
    Script script;
    script.opens("a")
        .client_sends(Script::startup_of_client())
        .expects_to_client(authentication_ok())
        .expects_server("s")
        .then([](ScriptPlay& play) { play.links.take_sent(play.index("s")); })
        .server_sends(fatal_response().code("53300").message("too many clients already").bytes())
        .expects_error("a", "53300")
        .closes("s")
        .then([](ScriptPlay& play) {
            EXPECT_EQ(play.links.proxy.metrics().database_refusals.get(), 1U);
            EXPECT_EQ(play.board.used(), 0);
        });
    script.passes_in_all_ways();
}

TEST(ServerLife, LoginsInFlightAreLimited) {
    Settings settings = plain_settings();
    settings.logins_in_flight_max = 1;
    Script script = pooled(settings);
    script.logs_in("b")
        .logs_in("d")
        .client_sends(query("select 1"))
        .client_sends("b", query("select 2"))
        .client_sends("d", query("select 3"))
        .then([](ScriptPlay& play) {
            EXPECT_EQ(play.links.proxy.metrics().servers_opening.get(), 1U);
        })
        .expects_server("t")
        .server_logs_in("t")
        .then([](ScriptPlay& play) {
            EXPECT_EQ(play.links.proxy.metrics().servers_opening.get(), 1U);
            EXPECT_EQ(play.links.proxy.metrics().servers_busy.get(), 2U);
        });
    script.fails_cleanly_at_each_step();
}

TEST(ServerLife, ServerThatBreaksWhileItIsCleanedIsClosed) {
    Script script = pooled();
    script.client_sends(query("begin"))
        .server_sends(done("BEGIN", 'T'))
        .expects_to_client(done("BEGIN", 'T'))
        .client_sends(terminate())
        .expects_to_server(query("begin") + query("ROLLBACK"))
        .server_sends(done("ROLLBACK", 'T'))
        .expects_closed("s")
        .expects_to_server(terminate())
        .closes("s");
    script.passes();
    script.fails_cleanly_at_each_step();
}

TEST(ServerLife, FailedResetClosesTheServer) {
    Settings settings = plain_settings();
    settings.pool_mode = PoolMode::Session;
    Script script = pooled(settings);
    script.client_sends(query("select 1"))
        .server_sends(one_row("1"))
        .client_sends(terminate())
        .expects_to_server(query("select 1") + query("DISCARD ALL"))
        .server_sends(error_response().code("XX000").message("no").bytes())
        .expects_closed("s");
    script.fails_cleanly_at_each_step();
}

TEST(ServerLife, WhatComesBehindTheLoginIsRead) {
    Script script;
    script.opens("a")
        .client_sends(Script::startup_of_client())
        .expects_server("s")
        .then([](ScriptPlay& play) { play.links.take_sent(play.index("s")); })
        .server_sends(
            Script::welcome_of_server() +
            fatal_response().code("57P01").message("terminating connection").bytes()
        )
        .expects_closed("s")
        .then([](ScriptPlay& play) {
            EXPECT_TRUE(play.links.take_sent(play.index("s")).ends_with(terminate()));
            // Byte by byte, the look behind the login was answered first.
            play.links.take_sent(play.index("a"));
        })
        .closes("s");
    script.passes();
    script.fails_cleanly_at_each_step();
}

// The database goes away under a pool, and comes back.
TEST(ServerLife, WhoWaitsHearsWhyLoginsFailAndIsServedWhenTheySucceed) {
    Settings settings = plain_settings();
    settings.logins_in_flight_max = 1;
    Script script = pooled(settings);
    const auto connect_fails = [](ScriptPlay& play) {
        const std::size_t server = play.links.newest(LinkKind::Server);
        ASSERT_TRUE(play.links.links[server].is_open);
        play.links.close(server, "connection refused");
    };
    const auto hears_why = [](const std::string& client, const std::string& behind) {
        return [=](ScriptPlay& play) {
            const std::string sent = play.links.take_sent(play.index(client));
            const std::vector<Message> all = messages(sent);
            const wire::ErrorFields error = wire::read_error(all.at(0).body);
            EXPECT_EQ(error.severity, "ERROR");
            EXPECT_EQ(error.sql_state, "08006");
            EXPECT_EQ(
                error.message, "cannot connect to the database at db:5432: connection refused"
            );
            EXPECT_EQ(types(sent), "E" + behind);
        };
    };
    script.logs_in("b")
        .closes("s")
        .client_sends(query("select 1"))
        .client_sends("b", parse("", "select 2"))
        .then(connect_fails)
        .then(hears_why("a", "Z"))
        .then(hears_why("b", ""))
        // While it is not tried again.
        .client_sends(query("select 3"))
        .then(hears_why("a", "Z"))
        .client_sends("b", sync())
        .expects_to_client("b", ready_for_query())
        // Tried again because somebody was refused.
        .after(milliseconds(150))
        .then([](ScriptPlay& play) {
            EXPECT_EQ(play.links.proxy.metrics().servers_opening.get(), 1U);
        })
        .client_sends(query("select 4"))
        .then(hears_why("a", "Z"))
        .expects_server("t")
        .server_logs_in("t")
        .client_sends(query("select 5"))
        .expects_to_server("t", query("select 5"));
    script.passes();
}

TEST(ServerLife, WhoWaitsForADatabaseWithoutRoomGoesOnWaiting) {
    Script script = pooled();
    script.closes("s")
        .client_sends(query("select 1"))
        .expects_server("t")
        .then([](ScriptPlay& play) { play.links.take_sent(play.index("t")); })
        .server_sends("t", fatal_response().code("53300").message("too many clients").bytes())
        .closes("t")
        .expects_to_client("")
        .after(milliseconds(150))
        .expects_server("u")
        .server_logs_in("u")
        .expects_to_server("u", query("select 1"));
    script.passes();
}

// A walsender gets its start-up parameters as the client wrote them, and one client.
TEST(ServerLife, WalsenderServesOneClientAndIsClosedBehindIt) {
    Settings settings = plain_settings();
    settings.pool_mode = PoolMode::Session;
    const auto logs_in = [](Script& script, const std::string& client, const std::string& server) {
        script.opens(client)
            .client_sends(
                client,
                startup_message(
                    {{"user", "app"}, {"replication", "true"}, {"application_name", "standby"}}
                )
            )
            .expects_to_client(client, authentication_ok())
            .expects_server(server)
            .then([=](ScriptPlay& play) {
                const std::string sent = play.links.take_sent(play.index(server));
                const wire::StartupPacket packet = wire::read_startup(sent);
                const std::vector<std::pair<std::string_view, std::string_view>> wanted{
                    {"user", "app"},
                    {"database", "app"},
                    {"application_name", "standby"},
                    {"replication", "true"}};
                EXPECT_EQ(packet.parameters, wanted);
                play.links.receive(
                    play.index(server),
                    authentication_ok() + parameter_status("application_name", "standby") +
                        parameter_status("TimeZone", "UTC") + backend_key_data(4711, "\1\2\3\4") +
                        ready_for_query()
                );
            })
            .then([=](ScriptPlay& play) {
                const std::string sent = play.links.take_sent(play.index(client));
                EXPECT_EQ(types(sent), "SSKZ");
                EXPECT_TRUE(sent.starts_with(parameter_status("application_name", "standby")));
            });
    };
    Script script(settings, 2);
    logs_in(script, "a", "s");
    script.setup_ends()
        .client_sends(query("IDENTIFY_SYSTEM"))
        .expects_to_server(query("IDENTIFY_SYSTEM"))
        .server_sends(one_row("1"))
        .expects_to_client(one_row("1"))
        .client_sends(terminate())
        .expects_closed("a")
        .expects_to_server(terminate())
        .expects_closed("s");
    logs_in(script, "b", "t");
    script.client_sends("b", query("select 1"))
        .expects_to_server("t", query("select 1"))
        .closes("b")
        .expects_to_server("t", terminate())
        .expects_closed("t");
    script.passes();
}

TEST(ServerLife, ServersThatOpenedTogetherDoNotEndTogether) {
    Settings settings = plain_settings();
    settings.server_lifetime = seconds(1'000);
    pool::Board board(1, 40);
    ProxyLinks links(board, settings);
    std::vector<std::size_t> clients;
    for (int i = 0; i < 40; ++i) {
        clients.push_back(links.accept());
        links.receive(clients.back(), Script::startup_of_client());
    }
    for (int i = 0; i < 200 && board.used() < 40; ++i) {
        for (const std::size_t client : clients) links.receive(client, query("begin"));
        for (std::size_t at = 0; at < links.links.size(); ++at) {
            PlayedLink& link = links.links[at];
            if (link.id.kind != LinkKind::Server || !link.all_sent.empty()) continue;
            links.connect(at);
            links.receive(at, Script::welcome_of_server());
        }
    }
    const auto closing = [&links] { return links.proxy.metrics().servers_closed.get(); };
    for (std::size_t at = 0; at < links.links.size(); ++at) {
        if (links.links[at].id.kind != LinkKind::Server) continue;
        links.receive(at, done("BEGIN", 'T'));
    }
    EXPECT_EQ(board.used(), 40);
    for (const std::size_t client : clients) links.close(client);
    for (std::size_t at = 0; at < links.links.size(); ++at) {
        if (links.links[at].id.kind == LinkKind::Server && links.links[at].is_open)
            links.receive(at, done("ROLLBACK"));
    }
    links.pass(seconds(899));
    EXPECT_EQ(closing(), 0U);
    links.pass(seconds(50));
    EXPECT_GT(closing(), 5U);
    EXPECT_LT(closing(), 35U);
    links.pass(seconds(52));
    EXPECT_EQ(closing(), 40U);
}

}  // namespace
}  // namespace penstock::proxy
