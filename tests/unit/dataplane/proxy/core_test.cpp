// Entries and the names that they take.
#include "tests/support/script.hpp"

#include <gtest/gtest.h>

namespace penstock::proxy {
namespace {

using namespace test;
using std::chrono::seconds;

TEST(Core, NamesThatAreGoneAreIgnored) {
    Script script = pooled();
    script.client_sends(terminate())
        .then([](ScriptPlay& play) { play.links.set_limit(0); })
        .closes("s")
        .then([](ScriptPlay& play) {
            Proxy& proxy = play.links.proxy;
            const TimePoint now = play.links.now;
            for (const LinkKind kind : {LinkKind::Client, LinkKind::Server, LinkKind::Cancel}) {
                for (const LinkId link :
                     {LinkId{1, 0, kind}, LinkId{0, 0, kind}, LinkId{1, 99, kind}, LinkId{}}) {
                    proxy.received(link, query("select 1"), now);
                    EXPECT_TRUE(proxy.actions().empty());
                    proxy.connected(link, now);
                    EXPECT_TRUE(proxy.actions().empty());
                    proxy.tls_established(link, true, now);
                    EXPECT_TRUE(proxy.actions().empty());
                    proxy.closed(link, "gone", now);
                    EXPECT_TRUE(proxy.actions().empty());
                    proxy.cancel_finished(link, now);
                    EXPECT_TRUE(proxy.actions().empty());
                }
            }
        })
        .expects_to_server(terminate());
    script.passes();
}

TEST(Core, BytesToAServerThatWasToldToGoAreNotRead) {
    Script script = pooled();
    script.then([](ScriptPlay& play) { play.links.set_limit(0); })
        .expects_to_server(terminate())
        .server_sends(one_row("late"))
        .expects_to_client("")
        .expects_to_server("")
        .closes("s");
    script.passes_in_all_ways();
}

TEST(Core, ClientsThatComeAndGoLeaveNothing) {
    pool::Board board(1, 2);
    ProxyLinks links(board, plain_settings());
    links.receive(links.accept(), Script::startup_of_client());
    links.connect(1);
    links.receive(1, Script::welcome_of_server());
    for (int i = 0; i < 1'000; ++i) {
        const std::size_t client = links.accept();
        links.receive(client, Script::startup_of_client());
        if (i % 3 == 0) links.receive(client, query("select 1"));
        if (i % 3 == 0) links.receive(1, one_row("1"));
        if (i % 2 == 0) {
            links.receive(client, terminate());
        } else {
            links.close(client);
        }
    }
    EXPECT_EQ(links.proxy.metrics().clients.get(), 1U);
    EXPECT_EQ(links.proxy.metrics().client_logins.get(), 1'001U);
    links.expect_drains();
}

TEST(Core, ContiguousBytesLeaveInOneSend) {
    Script script = pooled();
    script.then([](ScriptPlay& play) { play.link("s").sends = 0; })
        .client_sends(query("select 1") + query("select 2") + sync())
        .then([](ScriptPlay& play) { EXPECT_EQ(play.link("s").sends, 1U); })
        .expects_to_server(query("select 1") + query("select 2") + sync());
    script.passes();
}

TEST(Core, NewSettingsHoldForWhatComes) {
    Settings settings = plain_settings();
    Script script = pooled(settings, 1);
    settings.queue_wait_timeout = seconds(1);
    script.logs_in("b")
        .client_sends(query("select 1"))
        .client_sends("b", query("select 2"))
        .after(seconds(5))
        .expects_to_client("b", "")
        .then([settings](ScriptPlay& play) { play.links.configure(settings); })
        .after(seconds(1))
        .expects_error("b", "53300", ready_for_query());
    script.fails_cleanly_at_each_step();
}

TEST(Core, BytesAreCounted) {
    Script script = pooled();
    std::uint64_t before = 0;
    script
        .then([&before](ScriptPlay& play) {
            before = play.links.proxy.metrics().bytes_from_servers.get();
        })
        .client_sends(query("select 1"))
        .server_sends(one_row("1"))
        .then([&before](ScriptPlay& play) {
            const Metrics& m = play.links.proxy.metrics();
            EXPECT_EQ(m.bytes_from_clients.get(), query("select 1").size());
            EXPECT_EQ(m.bytes_from_servers.get() - before, one_row("1").size());
        });
    script.fails_cleanly_at_each_step();
}

}  // namespace
}  // namespace penstock::proxy
