// What clients may make the proxy keep.
#include "tests/support/script.hpp"

#include <gtest/gtest.h>

namespace penstock::proxy {
namespace {

using namespace test;
using std::chrono::seconds;

constexpr std::size_t kib = 1024;

TEST(Budget, OfTooManyLoginsTheOldestGivesWay) {
    Settings settings = plain_settings();
    settings.clients_max = 5;
    pool::Board board(1, 10);
    ProxyLinks links(board, settings);
    for (int i = 0; i < 100; ++i) links.accept();
    std::size_t open = 0;
    for (const PlayedLink& link : links.links) open += link.is_open ? 1 : 0;
    EXPECT_EQ(open, 64U);
    EXPECT_FALSE(links.links[35].is_open);
    EXPECT_TRUE(links.links[36].is_open);
    EXPECT_EQ(links.proxy.metrics().client_logins_dropped.get(), 36U);
    links.receive(99, Script::startup_of_client());
    EXPECT_EQ(links.take_sent(99), authentication_ok());
    links.accept();
    EXPECT_TRUE(links.links[36].is_open) << "one has logged in meanwhile";
    links.expect_drains();
}

TEST(Budget, AsManyMayLogInAsPlacesAreLeft) {
    Settings settings = plain_settings();
    settings.clients_max = 80;
    pool::Board board(1, 10);
    ProxyLinks links(board, settings);
    for (int i = 0; i < 81; ++i) links.accept();
    EXPECT_FALSE(links.links[0].is_open);
    EXPECT_TRUE(links.links[1].is_open);
    links.expect_drains();
}

TEST(Budget, AParseThatNeedsTooMuchIsRefusedAtItsBeginning) {
    Settings settings = plain_settings();
    settings.client_bytes_max = 64 * kib;
    Script script = pooled(settings);
    const std::string large = parse("", std::string(100 * kib, 'x'));
    script.client_sends(large.substr(0, 1000))
        .expects_error("a", "54000")
        .client_sends(large.substr(1000) + bind_statement("", "") + execute() + sync())
        .expects_to_client(ready_for_query())
        .client_sends(query("select 1"))
        .expects_to_server(query("select 1"))
        .server_sends(one_row("1"))
        .expects_to_client(one_row("1"));
    script.passes();
    script.fails_cleanly_at_each_step();
}

// What the server gets in place of a message that is refused, and what it answers.
std::string refused_parse() {
    return parse("penstock_refused", "SELECT penstock_refused_this_message()");
}

std::string no_function() { return error_response().code("42883").message("no function").bytes(); }

TEST(Budget, InATransactionSuchAParseFailsAlone) {
    Settings settings = plain_settings();
    settings.client_bytes_max = 64 * kib;
    const std::string large = parse("", std::string(100 * kib, 'x'));
    Script script = pooled(settings);
    script.client_sends(query("begin"))
        .expects_to_server(query("begin"))
        .server_sends(done("BEGIN", 'T'))
        .expects_to_client(done("BEGIN", 'T'))
        .client_sends(large.substr(0, 1000))
        .expects_to_server(refused_parse())
        .server_sends(no_function())
        .expects_error("a", "54000")
        .client_sends(large.substr(1000) + bind_statement("", "") + execute() + sync())
        .expects_to_server(sync())
        .server_sends(ready_for_query('E'))
        .expects_to_client(ready_for_query('E'))
        .client_sends(query("rollback"))
        .expects_to_server(query("rollback"))
        .server_sends(done("ROLLBACK"))
        .expects_to_client(done("ROLLBACK"))
        .expects_open_still("s");
    script.passes();
    script.fails_cleanly_at_each_step();
}

TEST(Budget, OtherMessagesMayBeOfAnyLength) {
    Settings settings = plain_settings();
    settings.client_bytes_max = 64 * kib;
    Script script = pooled(settings);
    const std::string large = query(std::string(200 * kib, 'x'));
    script.client_sends(large)
        .expects_to_server(large)
        .server_sends(one_row("1"))
        .expects_to_client(one_row("1"));
    script.passes();
}

TEST(Budget, WhoStillGrowsWhenMemoryIsShortIsRefused) {
    Settings settings = plain_settings();
    settings.bytes_max = 300 * kib;
    Script script = pooled(settings);
    const std::string large = parse("", std::string(200 * kib, 'x'));
    script.logs_in("b")
        .client_sends(large.substr(0, 10 * kib))
        .client_sends("b", large.substr(0, 10 * kib))
        .client_sends(large.substr(10 * kib, 180 * kib))
        .client_sends("b", large.substr(10 * kib, 70 * kib))
        .then([](ScriptPlay& play) {
            const std::uint64_t held = play.links.proxy.metrics().held_bytes.get();
            EXPECT_GE(held, 260 * kib);
            EXPECT_LT(held, 300 * kib);
        })
        .expects_to_client("b", "")
        .client_sends("b", large.substr(80 * kib, 70 * kib))
        .expects_error("b", "53200")
        .client_sends("b", large.substr(150 * kib) + bind_statement("", "") + sync())
        .expects_to_client("b", ready_for_query())
        .expects_open_still("a")
        .then([](ScriptPlay& play) {
            EXPECT_EQ(play.links.proxy.metrics().messages_refused.get(), 1U);
        });
    script.passes();
    script.fails_cleanly_at_each_step();
}

TEST(Budget, TextsOfPreparedStatementsCount) {
    Settings settings = plain_settings();
    settings.client_bytes_max = 64 * kib;
    Script script = pooled(settings);
    script.client_sends(parse("one", std::string(40 * kib, 'x')) + sync())
        .server_sends(parse_complete() + ready_for_query())
        .expects_to_client(parse_complete() + ready_for_query())
        .then([](ScriptPlay& play) {
            EXPECT_GE(play.links.proxy.metrics().held_bytes.get(), 40 * kib);
            play.links.take_sent(play.index("s"));
        })
        .client_sends(parse("two", std::string(40 * kib, 'y')) + sync())
        .expects_to_server(refused_parse() + sync())
        .server_sends(no_function() + ready_for_query())
        .expects_error("a", "54000", ready_for_query())
        .client_sends(close('S', "one") + parse("two", std::string(40 * kib, 'y')) + sync())
        .then([](ScriptPlay& play) { play.links.take_sent(play.index("s")); })
        .server_sends(close_complete() + parse_complete() + ready_for_query())
        .expects_to_client(close_complete() + parse_complete() + ready_for_query());
    script.passes();
}

TEST(Budget, UnnamedStatementsCountUntilTheyEnd) {
    const auto held = [](std::uint64_t least, std::uint64_t most) {
        return [least, most](ScriptPlay& play) {
            play.links.take_sent(play.index("s"));
            EXPECT_GE(play.links.proxy.metrics().held_bytes.get(), least);
            EXPECT_LE(play.links.proxy.metrics().held_bytes.get(), most);
        };
    };
    Settings settings = plain_settings();
    settings.client_bytes_max = 64 * kib;
    const std::string large = parse("", std::string(40 * kib, 'x'));
    Script script = pooled(settings);
    for (int i = 0; i < 3; ++i) {
        // One that replaces another takes its place.
        script.client_sends(large + sync())
            .server_sends(parse_complete() + ready_for_query())
            .expects_to_client(parse_complete() + ready_for_query())
            .then(held(40 * kib, 41 * kib));
    }
    script.client_sends(query("select 1"))
        .server_sends(one_row("1"))
        .expects_to_client(one_row("1"))
        .then(held(0, 0))
        .client_sends(large + large + sync())
        .then(held(40 * kib, 81 * kib))
        .server_sends(parse_complete())
        .expects_to_client(parse_complete())
        .server_sends(no_function() + ready_for_query())
        .expects_error("a", "54000", ready_for_query())
        .client_sends(large + bind_statement("", "nobody") + large + sync())
        .then(held(40 * kib, 81 * kib))
        .server_sends(error_response().code("42601").message("syntax").bytes() + ready_for_query())
        .then([](ScriptPlay& play) { play.links.take_sent(play.index("a")); })
        .then(held(0, 0));
    script.passes();
}

TEST(Budget, ShorterTextReplacesALongOneThoughMemoryIsShort) {
    Settings settings = plain_settings();
    settings.bytes_max = 300 * kib;
    Script script = pooled(settings);
    script.logs_in("b")
        .client_sends(parse("", std::string(200 * kib, 'x')) + sync())
        .server_sends(parse_complete() + ready_for_query())
        .expects_to_client(parse_complete() + ready_for_query())
        .client_sends("b", parse("", std::string(90 * kib, 'y')).substr(0, 80 * kib))
        .then([](ScriptPlay& play) {
            play.links.take_sent(play.index("s"));
            auto lower = std::make_shared<Settings>(plain_settings());
            lower->bytes_max = 100 * kib;
            play.links.proxy.configure(lower, play.links.now);
            play.links.perform();
        })
        .client_sends(parse("", "select 1") + sync())
        .expects_to_server(parse("", "select 1") + sync());
    script.passes();
}

TEST(Budget, TextsThatNobodyUsesGiveWayWhenMemoryIsShort) {
    Settings settings = plain_settings();
    settings.bytes_max = 300 * kib;
    const std::string large = parse("", std::string(200 * kib, 'x'));
    Script script = pooled(settings);
    script.logs_in("b")
        .client_sends(large + sync())
        .server_sends(parse_complete() + ready_for_query())
        .expects_to_client(parse_complete() + ready_for_query())
        .client_sends("b", large + sync())
        .server_sends(parse_complete() + ready_for_query())
        .expects_to_client("b", parse_complete() + ready_for_query())
        .then([](ScriptPlay& play) {
            play.links.take_sent(play.index("s"));
            EXPECT_LT(play.links.proxy.metrics().held_bytes.get(), 201 * kib);
        })
        .client_sends(bind_statement("", "") + sync())
        .expects_to_server(close('S', "") + bind_statement("", "") + sync());
    script.passes();
}

TEST(Budget, WhoWaitsIsNotReadWhenMemoryIsShort) {
    Settings settings = plain_settings();
    settings.bytes_max = 10 * kib;
    Script script = pooled(settings, 1);
    script.logs_in("b")
        .client_sends(query("select 1"))
        .client_sends("b", query(std::string(9 * kib, 'x')))
        .then([](ScriptPlay& play) { EXPECT_FALSE(play.link("b").is_paused); })
        .client_sends("b", query(std::string(2 * kib, 'x')))
        .client_sends("b", query("select 3"))
        .then([](ScriptPlay& play) { EXPECT_TRUE(play.link("b").is_paused); })
        .server_sends(one_row("1"))
        .then([](ScriptPlay& play) {
            EXPECT_FALSE(play.link("b").is_paused);
            for (const char* name : {"a", "s"}) play.links.take_sent(play.index(name));
        });
    script.passes();
    script.fails_cleanly_at_each_step();
}

TEST(Budget, PoolsThatNobodyUsesAreFreed) {
    pool::Board board(1, 10);
    ProxyLinks links(board, plain_settings());
    for (int i = 0; i < 400; ++i) {
        const std::size_t client = links.accept();
        const std::string name = "database " + std::to_string(i);
        links.receive(client, startup_message({{"user", "app"}, {"database", name}}));
        links.close(client);
        const std::size_t server = links.newest(LinkKind::Server);
        if (server < links.links.size() && links.links[server].is_open) {
            links.close(server, "connection refused");
        }
    }
    EXPECT_LE(links.proxy.census().pools, 257U);
    const std::size_t again = links.accept();
    links.receive(again, startup_message({{"user", "app"}, {"database", "database 399"}}));
    links.pass(seconds(120));
    EXPECT_LE(links.proxy.census().pools, 1U) << "one is in use";
    links.expect_drains();
}

}  // namespace
}  // namespace penstock::proxy
