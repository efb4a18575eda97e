// CancelRequest: to whom it goes, and to whom it never may.
#include "tests/support/cancel_script.hpp"

#include <gtest/gtest.h>

namespace penstock::proxy {
namespace {

using namespace test;
using std::chrono::seconds;

const std::string to_server = cancel_request(4711, "\1\2\3\4");

Script querying(const Settings& settings = plain_settings()) {
    Script script = pooled(settings, 1);
    script.logs_in("b").client_sends(query("select 1")).expects_to_server(query("select 1"));
    return script;
}

TEST(Cancel, GoesToTheServerThatWorksForTheClient) {
    Script script = querying();
    asks_to_cancel(script, "k", "a")
        .expects_cancel("c")
        .expects_to_server("c", to_server)
        .expects_open_still("k")
        .closes("c")
        .expects_closed("k")
        .expects_to_client("k", "")
        .server_sends(canceled)
        .expects_to_client(canceled)
        .expects_open_still("s");
    script.passes_in_all_ways();
}

TEST(Cancel, ServerIsParkedWhileACancelIsInFlight) {
    Script script = querying();
    asks_to_cancel(script, "k", "a")
        .expects_cancel("c")
        .expects_to_server("c", to_server)
        .server_sends(one_row("1"))
        .expects_to_client(one_row("1"))
        // The signal may still come: nobody else may have this server.
        .client_sends("b", query("select 2"))
        .expects_to_server("")
        .closes("c")
        .expects_to_server(query("select 2"))
        .server_sends(one_row("2"))
        .expects_to_client("b", one_row("2"));
    script.passes_in_all_ways();
}

TEST(Cancel, ParkedServerWaitsForEachOfItsCancels) {
    Script script = querying();
    asks_to_cancel(script, "k", "a").expects_cancel("c").expects_to_server("c", to_server);
    asks_to_cancel(script, "l", "a").expects_cancel("d").expects_to_server("d", to_server);
    script.server_sends(one_row("1"))
        .expects_to_client(one_row("1"))
        .client_sends("b", query("select 2"))
        .closes("c")
        .expects_to_server("")
        .closes("d")
        .expects_to_server(query("select 2"));
    script.fails_cleanly_at_each_step();
    script.server_sends(one_row("2")).expects_to_client("b", one_row("2"));
    script.passes();
}

TEST(Cancel, StormIsBounded) {
    Script script = querying();
    for (int i = 0; i < 5; ++i) asks_to_cancel(script, "k" + std::to_string(i), "a");
    script.then([](ScriptPlay& play) {
        int cancels = 0;
        for (const PlayedLink& link : play.links.links) cancels += link.id.kind == LinkKind::Cancel;
        EXPECT_EQ(cancels, 2) << "twice the limit of servers";
        EXPECT_FALSE(play.link("k4").is_open);
    });
    script.fails_cleanly_at_each_step();
}

TEST(Cancel, WaitingClientGetsAnErrorAndStays) {
    Script script = querying();
    script.client_sends("b", query("select 2"));
    asks_to_cancel(script, "k", "b")
        .expects_error("b", "57014", ready_for_query())
        .expects_closed("k")
        .expects_no_open()
        .server_sends(one_row("1"))
        .expects_to_client(one_row("1"))
        .client_sends("b", query("select 3"))
        .expects_to_server(query("select 3"))
        .server_sends(one_row("3"))
        .expects_to_client("b", one_row("3"));
    script.passes_in_all_ways();
}

TEST(Cancel, WaitingClientsExtendedQueryIsDiscardedToItsSync) {
    Script script = querying();
    script.client_sends("b", parse("", "select 2") + bind_statement("", "") + execute() + sync());
    asks_to_cancel(script, "k", "b")
        .expects_error("b", "57014", ready_for_query())
        .server_sends(one_row("1"))
        .expects_to_client(one_row("1"))
        .expects_to_server("");
    script.passes_in_all_ways();
}

TEST(Cancel, IdleClientHasNothingToCancel) {
    Script script = pooled();
    asks_to_cancel(script, "k", "a")
        .expects_closed("k")
        .expects_to_client("k", "")
        .expects_to_client("")
        .expects_no_open();
    script.passes_in_all_ways();
}

TEST(Cancel, ClientBetweenItsTransactionsQueriesHasNothingToCancel) {
    Script script = pooled();
    script.client_sends(query("begin"))
        .expects_to_server(query("begin"))
        .server_sends(done("BEGIN", 'T'))
        .expects_to_client(done("BEGIN", 'T'));
    asks_to_cancel(script, "k", "a").expects_closed("k").expects_no_open();
    script.passes_in_all_ways();
}

TEST(Cancel, WrongKeysDoNothing) {
    struct Case {
        std::uint32_t process_id;
        std::string key;
    };
    const Case cases[]{
        {0, "\1\2\3\4"},
        {1U << 24, "\1\2\3\4"},         // the first client, another secret
        {(1U << 24) + 77, "\1\2\3\4"},  // no such client
        {2U << 24, "\1\2\3\4"},         // no such worker
        {0xffffffff, "\1\2\3\4"},
        {1U << 24, bytes("\0\0\0\0")},
        {1U << 24, std::string(32, 'k')},
    };
    for (const Case& c : cases) {
        Script script = querying();
        script.opens("k")
            .client_sends("k", cancel_request(c.process_id, c.key))
            .expects_closed("k")
            .expects_to_client("k", "")
            .expects_no_open()
            .server_sends(one_row("1"))
            .expects_to_client(one_row("1"));
        script.passes();
    }
}

TEST(Cancel, KeyOfAClientThatIsNotWelcomedYetIsNoKey) {
    Script script;
    script.opens("a")
        .client_sends(Script::startup_of_client())
        .expects_to_client(authentication_ok())
        .opens("k")
        .client_sends("k", cancel_request(1U << 24, bytes("\0\0\0\0")))
        .expects_closed("k");
    script.fails_cleanly_at_each_step();
}

TEST(Cancel, BytesBehindTheRequestAreIgnored) {
    Script script = querying();
    asks_to_cancel(script, "k", "a")
        .client_sends("k", "more")
        .expects_cancel("c")
        .client_sends("k", Script::startup_of_client())
        .expects_to_server("c", to_server)
        .closes("c")
        .expects_closed("k")
        .expects_to_client("k", "")
        .server_sends(canceled)
        .expects_to_client(canceled);
    script.passes_in_all_ways();
}

// "a" needs a parameter replayed, and its query behind that.
Script replaying() {
    Script script = pooled(plain_settings(), 1);
    script.logs_in_with("b", "s", "TimeZone", "GMT", "GMT")
        .client_sends(query("select 1"))
        .expects_to_server(query("RESET TimeZone;") + query("select 1"));
    return script;
}

const std::string replayed = parameter_status("TimeZone", "UTC") + done("SET");

TEST(Cancel, WaitsWhileOurOwnQueryRuns) {
    Script script = replaying();
    asks_to_cancel(script, "k", "a")
        .expects_closed("k")
        .expects_no_open()
        .server_sends(replayed)
        .expects_cancel("c")
        .expects_to_server("c", to_server)
        .server_sends(canceled)
        .expects_to_client(canceled)
        .closes("c")
        .expects_open_still("s");
    script.passes_in_all_ways();
}

TEST(Cancel, ThatWaitsForOurOwnQueryNeverMeetsALaterClient) {
    Script script = replaying();
    asks_to_cancel(script, "k", "a")
        .closes("a")
        .expects_cancel("c")
        .expects_to_server("c", to_server)
        .server_sends(replayed + one_row("1"))
        .closes("c")
        .client_sends("b", query("select 2"))
        .expects_to_server(query("SET TimeZone = 'GMT';") + query("select 2"))
        .server_sends(parameter_status("TimeZone", "GMT") + done("SET"))
        .expects_no_open()
        .server_sends(one_row("2"))
        .expects_to_client("b", one_row("2"));
    script.passes_in_all_ways();
}

TEST(Cancel, BehindAParseOfOursGoesAtOnce) {
    // The Parse is part of the client's batch: what it hits is the batch.
    Script script = pooled(plain_settings(), 2);
    script.client_sends(parse("x", "select 1") + sync())
        .server_sends(parse_complete() + ready_for_query())
        .logs_in("b")
        .client_sends("b", query("select 2"))
        .client_sends(bind_statement("", "x") + execute() + sync())
        .expects_server("t")
        .server_logs_in("t");
    asks_to_cancel(script, "k", "a")
        .expects_cancel("c")
        .expects_to_server("c", to_server)
        .closes("c")
        .expects_closed("k");
    script.fails_cleanly_at_each_step();
}

TEST(Cancel, ThatIsNotAnsweredIsGivenUpWithItsServer) {
    Settings settings = plain_settings();
    settings.cancel_wait_timeout = seconds(10);
    Script script = querying(settings);
    asks_to_cancel(script, "k", "a")
        .expects_cancel("c")
        .expects_to_server("c", to_server)
        .server_sends(one_row("1"))
        .expects_to_client(one_row("1"))
        .after(seconds(9))
        .expects_open_still("s")
        .expects_open_still("k")
        .after(seconds(2))
        .expects_closed("c")
        .expects_closed("k")
        .expects_closed("s")
        .expects_to_server(terminate())
        .closes("s");
    script.passes_in_all_ways();
}

TEST(Cancel, ThatCannotConnectIsOver) {
    Script script = querying();
    asks_to_cancel(script, "k", "a")
        .then([](ScriptPlay& play) {
            play.links.close(play.links.newest(LinkKind::Cancel), "connection refused");
        })
        .expects_closed("k")
        .server_sends(one_row("1"))
        .expects_to_client(one_row("1"));
    script.passes_in_all_ways();
}

// One server whose connection is encrypted, and "a" with a query on it.
Script querying_by_tls(session::ServerTls tls) {
    Settings settings = plain_settings();
    settings.server_tls = tls;
    Script script(settings, 1);
    return script.opens("a")
        .client_sends(Script::startup_of_client())
        .expects_to_client(authentication_ok())
        .expects_server("s")
        .expects_to_server(ssl_request())
        .server_sends("S")
        .then([](ScriptPlay& play) { play.links.establish_tls(play.index("s")); })
        .server_logs_in("s")
        .expects_welcome("a")
        .setup_ends()
        .client_sends(query("select 1"))
        .expects_to_server(query("select 1"));
}

TEST(Cancel, GoesByTlsWhereItsServersConnectionDoes) {
    for (const auto tls : {session::ServerTls::Prefer, session::ServerTls::Require}) {
        Script script = querying_by_tls(tls);
        asks_to_cancel(script, "k", "a")
            .expects_cancel("c")
            .expects_to_server("c", ssl_request())
            .server_sends("c", "S")
            .expects_to_server("c", "")
            .then([](ScriptPlay& play) {
                EXPECT_TRUE(play.link("c").has_tls);
                play.links.establish_tls(play.index("c"));
            })
            .expects_to_server("c", to_server)
            .expects_open_still("k")
            .closes("c")
            .expects_closed("k")
            .server_sends(canceled)
            .expects_to_client(canceled);
        script.passes();
        script.fails_cleanly_at_each_step();
    }
}

TEST(Cancel, IsNotSentInClearForAServerThatIsEncrypted) {
    for (const std::string answer : {"N", "E", "Sx"}) {
        Script script = querying_by_tls(session::ServerTls::Prefer);
        asks_to_cancel(script, "k", "a")
            .expects_cancel("c")
            .expects_to_server("c", ssl_request())
            .server_sends("c", answer)
            .expects_to_server("c", "")
            .expects_closed("c")
            .expects_closed("k")
            .server_sends(one_row("1"))
            .expects_to_client(one_row("1"));
        script.passes();
    }
}

TEST(Cancel, GoesInClearToAServerThatOffersNoTls) {
    Settings settings = plain_settings();
    settings.server_tls = session::ServerTls::Prefer;
    Script script(settings, 1);
    script.opens("a")
        .client_sends(Script::startup_of_client())
        .expects_to_client(authentication_ok())
        .expects_server("s")
        .expects_to_server(ssl_request())
        .server_sends("N")
        .server_logs_in("s")
        .expects_welcome("a")
        .client_sends(query("select 1"))
        .expects_to_server(query("select 1"));
    asks_to_cancel(script, "k", "a").expects_cancel("c").expects_to_server("c", to_server);
    script.closes("c").server_sends(canceled).expects_to_client(canceled);
    script.passes();
}

TEST(Cancel, IsRoutedToTheWorkerThatHoldsTheClient) {
    pool::Board board(2, 4);
    ProxyLinks first(board, plain_settings(), 0);
    ProxyLinks second(board, plain_settings(), 1);
    const std::size_t client = second.accept();
    second.receive(client, Script::startup_of_client());
    const std::size_t server = second.newest(LinkKind::Server);
    second.connect(server);
    second.receive(server, Script::welcome_of_server());
    second.receive(client, query("select 1"));
    const auto welcome = messages(second.take_sent(client));
    const std::string key = welcome[welcome.size() - 2].body;

    const std::size_t canceller = first.accept();
    first.receive(canceller, cancel_request(wire::load_u32(key.data()), key.substr(4)));
    ASSERT_EQ(first.to_others.size(), 1U);
    const Action routed = first.to_others.back();
    EXPECT_EQ(routed.kind, ActionKind::RouteCancel);
    EXPECT_EQ(routed.worker, 1U);
    EXPECT_TRUE(first.links[canceller].is_open);

    second.proxy.cancel_routed(routed.key, routed.link, 0, second.now);
    second.perform();
    const std::size_t cancel = second.newest(LinkKind::Cancel);
    ASSERT_LT(cancel, second.links.size());
    second.connect(cancel);
    EXPECT_EQ(second.take_sent(cancel), to_server);
    second.close(cancel, "end of stream");
    ASSERT_EQ(second.to_others.size(), 1U);
    EXPECT_EQ(second.to_others.back().kind, ActionKind::CancelFinished);
    EXPECT_EQ(second.to_others.back().worker, 0U);

    first.proxy.cancel_finished(second.to_others.back().link, first.now);
    first.perform();
    EXPECT_FALSE(first.links[canceller].is_open);
    second.receive(server, canceled);
    EXPECT_EQ(second.take_sent(client), canceled);

    // A key that names nobody there is answered at once.
    second.proxy.cancel_routed(
        {routed.key.process_id, routed.key.secret + 1}, routed.link, 0, second.now
    );
    second.perform();
    EXPECT_EQ(second.to_others.back().kind, ActionKind::CancelFinished);
}

// The server's process id does not tell where its client is.
TEST(Cancel, OfASessionGoesRoundUntilAWorkerKnowsIt) {
    Settings settings = plain_settings();
    settings.pool_mode = PoolMode::Session;
    pool::Board board(3, 6);
    std::vector<std::unique_ptr<ProxyLinks>> workers;
    for (std::uint32_t i = 0; i < 3; ++i)
        workers.push_back(std::make_unique<ProxyLinks>(board, settings, i));
    ProxyLinks& last = *workers[2];
    const std::size_t client = last.accept();
    last.receive(client, Script::startup_of_client());
    const std::size_t server = last.newest(LinkKind::Server);
    last.connect(server);
    last.receive(server, Script::welcome_of_server());
    last.receive(client, query("select 1"));
    const auto welcome = messages(last.take_sent(client));
    const std::string key = welcome[welcome.size() - 2].body;
    EXPECT_EQ(wire::load_u32(key.data()), 4711U);

    // From the worker that took the request, round all of them; where it ends is returned.
    const auto cancel = [&](const std::string& secret) {
        ProxyLinks& first = *workers[1];
        const std::size_t canceller = first.accept();
        first.receive(canceller, cancel_request(4711, secret));
        std::uint32_t at = 1;
        while (!workers[at]->to_others.empty() &&
               workers[at]->to_others.back().kind == ActionKind::RouteCancel) {
            const Action routed = workers[at]->to_others.back();
            workers[at]->to_others.clear();
            EXPECT_EQ(routed.origin, 1U);
            at = routed.worker;
            workers[at]->proxy.cancel_routed(routed.key, routed.link, routed.origin, first.now);
            workers[at]->perform();
        }
        return at;
    };
    EXPECT_EQ(cancel(key.substr(4)), 2U);
    const std::size_t sent = last.newest(LinkKind::Cancel);
    ASSERT_LT(sent, last.links.size());
    last.connect(sent);
    EXPECT_EQ(last.take_sent(sent), to_server);
    last.close(sent, "end of stream");
    EXPECT_EQ(last.to_others.back().kind, ActionKind::CancelFinished);
    EXPECT_EQ(last.to_others.back().worker, 1U);

    EXPECT_EQ(cancel("none"), 0U) << "nobody knows it: the round ends before its origin";
    EXPECT_EQ(workers[0]->to_others.back().kind, ActionKind::CancelFinished);

    last.close(client);
    last.receive(server, canceled);
    EXPECT_EQ(cancel(key.substr(4)), 0U) << "the session is over";
}

}  // namespace
}  // namespace penstock::proxy
