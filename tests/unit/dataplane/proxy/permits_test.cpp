// Which pool may open a server, and which must give one up.
#include "tests/support/script.hpp"

#include <gtest/gtest.h>

namespace penstock::proxy {
namespace {

using namespace test;
using std::chrono::milliseconds;
using std::chrono::seconds;

// Clients of one user are served, or wait, on every server that there is; then another user's come.
class TwoPoolsTest : public testing::Test {
 protected:
    std::size_t log_in(const std::string& user) {
        const std::size_t client = links.accept();
        links.receive(client, startup_message({{"user", user}, {"database", "app"}}));
        return client;
    }
    std::size_t log_in_server() {
        const std::size_t server = links.newest(LinkKind::Server);
        EXPECT_TRUE(links.links[server].is_open);
        links.connect(server);
        links.take_sent(server);
        links.receive(server, Script::welcome_of_server());
        return server;
    }
    // So many clients of user "rich" with a server each, and one that waits.
    void fill(std::size_t servers) {
        for (std::size_t i = 0; i <= servers; ++i) {
            clients.push_back(log_in("rich"));
            if (i == 0) rich.push_back(log_in_server());
        }
        for (std::size_t i = 0; i < servers; ++i) {
            links.receive(clients[i], query("select " + std::to_string(i)));
            if (i > 0) rich.push_back(log_in_server());
        }
        links.receive(clients.back(), query("select 'waits'"));
        EXPECT_EQ(links.proxy.metrics().clients_waiting.get(), 1U);
    }
    static Settings settings() {
        Settings settings = plain_settings();
        settings.logins_in_flight_max = 100;
        return settings;
    }

    pool::Board board{1, 3};
    ProxyLinks links{board, settings()};
    std::vector<std::size_t> clients;
    std::vector<std::size_t> rich;
};

TEST_F(TwoPoolsTest, PoolWithWaitersGivesUpAServerForAnothersFirst) {
    fill(3);
    const std::size_t poor = log_in("poor");
    EXPECT_EQ(links.take_sent(poor), authentication_ok());
    links.receive(rich[1], one_row("1"));
    EXPECT_EQ(links.take_sent(rich[1]).substr(0, 1), "Q");
    EXPECT_TRUE(links.links[rich[1]].is_shut)
        << "it goes, although another client of its pool waits";
    links.close(rich[1]);
    EXPECT_EQ(board.used(), 3);
    const std::size_t first = log_in_server();
    EXPECT_TRUE(types(links.take_sent(poor)).ends_with("KZ"));
    const std::size_t second = log_in("poor");
    links.receive(poor, query("select 'poor'"));
    EXPECT_EQ(links.take_sent(first), query("select 'poor'"));
    // Two and one is fair: the next one that is freed stays.
    links.receive(second, query("select 'poor'"));
    links.pass(milliseconds(30));
    links.receive(rich[0], one_row("0"));
    EXPECT_EQ(links.links[rich[0]].sent, query("select 0") + query("select 'waits'"));
}

TEST_F(TwoPoolsTest, PermitOfAClientThatHasGoneIsAnybodys) {
    fill(3);
    const std::size_t poor = log_in("poor");
    links.receive(rich[1], one_row("1"));
    EXPECT_TRUE(links.links[rich[1]].is_shut);
    links.close(poor);
    links.close(rich[1]);
    EXPECT_EQ(board.used(), 3) << "a server is opened for who waits";
    const std::size_t server = log_in_server();
    EXPECT_EQ(links.take_sent(server), query("select 'waits'"));
}

TEST_F(TwoPoolsTest, OnlyServerChangesPoolsWhenAnotherHasWaitedLong) {
    board.set_limit(1);
    fill(1);
    const std::size_t poor = log_in("poor");
    links.receive(rich[0], one_row("0"));
    EXPECT_FALSE(links.links[rich[0]].is_shut);
    links.pass(milliseconds(60));
    links.receive(rich[0], one_row("waits"));
    EXPECT_TRUE(links.links[rich[0]].is_shut);
    links.close(rich[0]);
    log_in_server();
    EXPECT_TRUE(types(links.take_sent(poor)).ends_with("KZ"));
}

TEST_F(TwoPoolsTest, SlowPoolsQueueRefusesNobodyElse) {
    board.throttle.enforced = true;
    board.throttle.queue_wait_max_us = 150'000;
    board.set_limit(4);
    const std::size_t fast = log_in("poor");
    log_in_server();
    const std::size_t other = log_in("poor");
    const std::size_t third = log_in("poor");
    links.receive(fast, query("select 1"));
    fill(3);
    const std::size_t next = log_in("rich");
    const std::size_t last = log_in("rich");
    links.pass(seconds(1));
    links.receive(rich[0], one_row("0"));
    const auto refused = [this] { return links.proxy.metrics().transactions_refused.get(); };
    // One second for each of three: whoever is the second in the line waits 330 ms.
    links.receive(next, query("select 'next'"));
    links.receive(last, query("select 'last'"));
    EXPECT_EQ(refused(), 1U);
    links.receive(other, query("select 2"));
    links.receive(third, query("select 3"));
    EXPECT_EQ(refused(), 1U);
}

}  // namespace
}  // namespace penstock::proxy
