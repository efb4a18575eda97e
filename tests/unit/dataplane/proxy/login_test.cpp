// A client from its first byte to its first ReadyForQuery.
#include "dataplane/wire/scram_client.hpp"
#include "tests/support/script.hpp"

#include <gtest/gtest.h>

namespace penstock::proxy {
namespace {

using namespace test;
using std::chrono::milliseconds;

const std::string app = Script::startup_of_client();

TEST(Login, FirstClientWaitsForAServerToLearnItsParameters) {
    Script script;
    script.opens("a")
        .client_sends(app)
        .expects_to_client(authentication_ok())
        .expects_server("s")
        .expects_to_client("")
        .server_logs_in("s")
        .then([](ScriptPlay& play) {
            const std::string sent = play.links.take_sent(play.index("a"));
            ASSERT_EQ(types(sent), "SSSSSKZ");
            const auto all = messages(sent);
            EXPECT_EQ(all[0].body, bytes("server_version\00017.0\0"));
            EXPECT_EQ(all[4].body, bytes("application_name\0\0")) << "the tag is not the client's";
            EXPECT_EQ(all[5].body.size(), 8U);
        });
    script.passes_in_all_ways();
}

TEST(Login, LaterClientsAreWelcomedAtOnce) {
    Script script = pooled();
    script.opens("b").client_sends("b", app).expects_welcome("b").expects_no_open();
    script.passes_in_all_ways();
}

TEST(Login, AllWhoWaitAreWelcomedByOneServer) {
    Script script;
    script.opens("a")
        .opens("b")
        .client_sends(app)
        .client_sends("b", app)
        .expects_to_client(authentication_ok())
        .expects_to_client("b", authentication_ok())
        .expects_server("s")
        .server_logs_in("s")
        .expects_welcome("a")
        .expects_welcome("b")
        .expects_no_open();
    script.passes_in_all_ways();
}

TEST(Login, ClientIsToldItsOwnParametersAsTheDatabaseWritesThem) {
    Script script = pooled();
    const std::string startup = startup_message(
        {{"user", "app"},
         {"database", "orders"},
         {"application_name", "psql"},
         {"DateStyle", "german"}}
    );
    const auto is_welcomed = [](const std::string& client) {
        return [client](ScriptPlay& play) {
            const std::string sent = readable(play.links.take_sent(play.index(client)));
            EXPECT_NE(sent.find("S(DateStyle.German, DMY.)"), std::string::npos) << sent;
            EXPECT_NE(sent.find("S(application_name.psql.)"), std::string::npos) << sent;
        };
    };
    script.opens("b")
        .client_sends("b", startup)
        .expects_to_client("b", authentication_ok())
        .expects_to_server(query("RESET DateStyle;SET DateStyle = 'german';"))
        .server_sends(
            parameter_status("DateStyle", "German, DMY") + command_complete("RESET") +
            command_complete("SET") + ready_for_query()
        )
        .then(is_welcomed("b"))
        // What is known of a value is not asked again.
        .opens("d")
        .client_sends("d", startup)
        .then(is_welcomed("d"))
        .expects_to_server("");
    script.passes_in_all_ways();
}

TEST(Login, ValueThatTheDatabaseRefusesEndsTheLogin) {
    Script script = pooled();
    script.opens("b")
        .client_sends(
            "b", startup_message({{"user", "app"}, {"database", "orders"}, {"TimeZone", "nowhere"}})
        )
        .expects_to_client("b", authentication_ok())
        .expects_to_server(query("RESET TimeZone;SET TimeZone = 'nowhere';"))
        .server_sends(
            error_response().code("22023").message("invalid value for \"TimeZone\"").bytes() +
            ready_for_query()
        )
        .expects_error("b", "22023")
        .expects_closed("b")
        .expects_open_still("a");
    script.fails_cleanly_at_each_step();
}

TEST(Login, ParametersThatAreNotReportedMakeAPoolOfTheirOwn) {
    Script script = pooled();
    script.opens("b")
        .client_sends(
            "b", startup_message({{"user", "app"}, {"database", "orders"}, {"work_mem", "1GB"}})
        )
        .expects_to_client("b", authentication_ok())
        .expects_server("t")
        .then([](ScriptPlay& play) {
            const std::string sent = play.links.take_sent(play.index("t"));
            EXPECT_NE(sent.find(bytes("work_mem\0001GB")), std::string::npos);
            play.links.receive(play.index("t"), Script::welcome_of_server());
        })
        .expects_welcome("b")
        .client_sends(query("select 1"))
        .expects_to_server(query("select 1"))
        .expects_to_server("t", "");
    script.fails_cleanly_at_each_step();
}

TEST(Login, WhatIsSentBeforeTheWelcomeIsServed) {
    Script script;
    script.opens("a")
        .client_sends(app + query("select 1"))
        .expects_to_client(authentication_ok())
        .expects_server("s")
        .then([](ScriptPlay& play) {
            play.links.take_sent(play.index("s"));
            play.links.receive(play.index("s"), Script::welcome_of_server());
        })
        .expects_welcome("a")
        .expects_to_server(query("select 1"))
        .server_sends(one_row("1"))
        .expects_to_client(one_row("1"));
    script.passes_in_all_ways();
}

TEST(Login, TooManyClientsAreRefused) {
    Settings settings = plain_settings();
    settings.clients_max = 1;
    Script script = pooled(settings);
    script.opens("b")
        .client_sends("b", app)
        .then([](ScriptPlay& play) {
            const auto all = messages(play.links.take_sent(play.index("b")));
            ASSERT_EQ(all.size(), 2U);
            EXPECT_EQ(wire::read_error(all[1].body).sql_state, "53300");
            EXPECT_EQ(play.links.proxy.metrics().client_login_failures.get(), 1U);
        })
        .expects_closed("b")
        .closes("a")
        .logs_in("d");
    script.passes_in_all_ways();
}

TEST(Login, WhatComesWhileKeysAreDerivedWaits) {
    Settings settings = plain_settings();
    settings.login.authentication = session::ClientAuthentication::ScramSha256;
    settings.login.scram_iterations = 10;
    settings.users.add("app", wire::read_secret("pencil").value());
    settings.users.prepare_verifiers("process", 10);
    pool::Board board(1, 1);
    ProxyLinks links(board, settings);
    const std::size_t a = links.accept();
    links.receive(a, app);
    wire::ScramClient client("pencil", std::nullopt, "abc");
    std::string initial("SCRAM-SHA-256\0", 14);
    const std::string first = client.first();
    for (int shift = 24; shift >= 0; shift -= 8)
        initial.push_back(static_cast<char>(first.size() >> static_cast<unsigned>(shift)));
    links.receive(a, message('p', initial + first));
    const auto challenges = messages(links.take_sent(a));
    const auto proof = client.final(challenges.back().body.substr(4));
    ASSERT_TRUE(proof);
    links.receive(a, message('p', *proof));
    ASSERT_EQ(links.deriving.size(), 1U);
    links.receive(a, query("select 1"));
    EXPECT_EQ(links.take_sent(a), "");
    links.derive_keys();
    EXPECT_EQ(types(links.take_sent(a)), "RR");
    const std::size_t s = links.newest(LinkKind::Server);
    links.connect(s);
    links.take_sent(s);
    links.receive(s, Script::welcome_of_server());
    EXPECT_EQ(links.take_sent(s), query("select 1")) << "sent before its welcome";
    links.expect_drains();
}

TEST(Login, ReplicationNeedsModeSession) {
    Script script = pooled();
    script.opens("b")
        .client_sends("b", startup_message({{"user", "app"}, {"replication", "database"}}))
        .then([](ScriptPlay& play) {
            const auto all = messages(play.links.take_sent(play.index("b")));
            ASSERT_EQ(all.size(), 2U);
            EXPECT_EQ(wire::read_error(all[1].body).sql_state, "0A000");
        })
        .expects_closed("b");
    script.passes_in_all_ways();
}

TEST(Login, FaultsOfTheStartupPacketAreRefused) {
    for (const std::string& packet :
         {bytes("\0\0\0\0"),
          bytes("\0\0\0\7"),
          bytes("\0\1\0\0\0\3\0\0"),
          bytes("GET / HTTP"),
          bytes("\0\0\0\x09\0\2\0\0\0")}) {
        const bool is_answered = packet.size() == 9;  // protocol 2.0
        Script script;
        script.opens("a").client_sends(packet).then([=](ScriptPlay& play) {
            EXPECT_EQ(types(play.links.take_sent(play.index("a"))), is_answered ? "E" : "");
            EXPECT_EQ(play.links.proxy.metrics().client_login_failures.get(), 1U);
        });
        script.expects_closed("a");
        script.passes();
        script.fails_cleanly_at_each_step();
    }
}

TEST(Login, WrongPasswordIsRefused) {
    Settings settings = plain_settings();
    settings.login.authentication = session::ClientAuthentication::Md5;
    settings.users.add("app", wire::read_secret("pencil").value());
    Script script(settings);
    script.opens("a")
        .client_sends(app)
        .then([](ScriptPlay& play) { EXPECT_EQ(types(play.links.take_sent(play.index("a"))), "R"); }
        )
        .client_sends(message('p', bytes("md5wrong\0")))
        .expects_error("a", "28P01")
        .expects_closed("a")
        .expects_no_open();
    script.passes_in_all_ways();
}

TEST(Login, TlsIsBegunWhenItIsAskedFor) {
    Settings settings = plain_settings();
    settings.login.tls = session::ClientTls::Allow;
    Script script = pooled(settings);
    script.opens("b")
        .client_sends("b", ssl_request())
        .expects_to_client("b", "S")
        .then([](ScriptPlay& play) {
            EXPECT_TRUE(play.link("b").has_tls);
            play.links.establish_tls(play.index("b"));
        })
        .client_sends("b", app)
        .expects_welcome("b");
    script.passes();
}

TEST(Login, DirectTlsNeedsTheProtocolsName) {
    Settings settings = plain_settings();
    settings.login.tls = session::ClientTls::Require;
    for (const bool has_protocol : {true, false}) {
        Script script(settings);
        script.opens("b")
            .client_sends("b", "\x16")
            .then([=](ScriptPlay& play) {
                EXPECT_TRUE(play.link("b").has_tls);
                play.links.establish_tls(play.index("b"), has_protocol);
            })
            .client_sends("b", app)
            .expects_to_client("b", has_protocol ? authentication_ok() : "");
        if (!has_protocol) script.expects_closed("b");
        script.passes();
    }
}

TEST(Login, ClientThatLeavesWhileItWaitsForItsWelcomeIsForgotten) {
    Script script;
    script.opens("a")
        .client_sends(app)
        .expects_to_client(authentication_ok())
        .expects_server("s")
        .closes("a")
        .server_logs_in("s")
        .expects_open_still("s")
        .logs_in("b");
    script.passes_in_all_ways();
}

Settings session_mode() {
    Settings settings = plain_settings();
    settings.pool_mode = PoolMode::Session;
    return settings;
}

// The process id in the BackendKeyData that the client got.
std::uint32_t process_id_of(ScriptPlay& play, const std::string& client) {
    for (const Message& message : messages(play.link(client).all_sent)) {
        if (message.type == 'K') return wire::load_u32(message.body.data());
    }
    return 0;
}

TEST(Login, SessionGetsItsServerAtOnceAndItsServersProcessId) {
    Script script = pooled(session_mode(), 1);
    script
        .then([](ScriptPlay& play) {
            EXPECT_EQ(process_id_of(play, "a"), 4711U);
            EXPECT_EQ(play.links.proxy.census().servers_busy, 1U);
        })
        .opens("b")
        .client_sends("b", app + query("select 2"))
        .expects_to_client("b", authentication_ok())
        .client_sends(terminate())
        .expects_to_server(query("DISCARD ALL"))
        .server_sends(done("DISCARD ALL"))
        .expects_welcome("b")
        .then([](ScriptPlay& play) { EXPECT_EQ(process_id_of(play, "b"), 4711U); })
        .expects_to_server(query("select 2"))
        .server_sends(one_row("2"))
        .expects_to_client("b", one_row("2"));
    script.passes_in_all_ways();
}

TEST(Login, SessionsStartupValuesAreSetBeforeItBegins) {
    Script script = pooled(session_mode(), 2);
    script.opens("b")
        .client_sends(
            "b", startup_message({{"user", "app"}, {"database", "orders"}, {"TimeZone", "gmt"}})
        )
        .expects_to_client("b", authentication_ok())
        .expects_server("t")
        .server_logs_in("t")
        .expects_to_server("t", query("RESET TimeZone;SET TimeZone = 'gmt';"))
        .expects_to_client("b", "")
        .server_sends("t", parameter_status("TimeZone", "GMT") + done("SET"))
        .expects_welcome("b")
        .closes("b")
        .expects_to_server("t", query("DISCARD ALL"));
    script.fails_cleanly_at_each_step();
    script.passes();
}

TEST(Login, SessionWaitsForItsServerNoLongerThanAQuery) {
    Settings settings = session_mode();
    settings.queue_wait_timeout = std::chrono::seconds(3);
    Script script = pooled(settings, 1);
    script.opens("b")
        .client_sends("b", app)
        .expects_to_client("b", authentication_ok())
        .after(std::chrono::seconds(2))
        .expects_open_still("b")
        .after(std::chrono::seconds(2))
        .expects_error("b", "53300")
        .expects_closed("b")
        .opens("d")
        .client_sends("d", app)
        .expects_to_client("d", authentication_ok())
        .then([](ScriptPlay& play) { play.links.drain(); })
        .expects_error("d", "57P01")
        .expects_error("a", "57P01")
        .expects_to_server(query("DISCARD ALL"));
    script.fails_cleanly_at_each_step();
    script.passes();
}

}  // namespace
}  // namespace penstock::proxy
