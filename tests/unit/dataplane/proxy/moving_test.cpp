// Idle servers that change workers.
#include "tests/support/script.hpp"

#include <gtest/gtest.h>

namespace penstock::proxy {
namespace {

using namespace test;
using std::chrono::milliseconds;
using std::chrono::seconds;

class MovingTest : public testing::Test {
 protected:
    // A client of `worker`, past its login; its server's login is played if it needs one.
    static std::size_t log_in(ProxyLinks& worker) {
        const std::size_t client = worker.accept();
        const std::size_t links_before = worker.links.size();
        worker.receive(client, Script::startup_of_client());
        if (worker.links.size() > links_before) log_in_server(worker);
        EXPECT_TRUE(types(worker.take_sent(client)).ends_with("KZ"));
        return client;
    }
    static std::size_t log_in_server(ProxyLinks& worker) {
        const std::size_t server = worker.newest(LinkKind::Server);
        worker.connect(server);
        worker.take_sent(server);
        worker.receive(server, Script::welcome_of_server());
        return server;
    }
    void pass(milliseconds duration) {
        first.pass(duration);
        second.pass(duration);
    }
    // Performs a MoveServer that `from` asked for last.
    static void move(ProxyLinks& from, ProxyLinks& to) {
        ASSERT_FALSE(from.to_others.empty());
        const Action action = from.to_others.back();
        ASSERT_EQ(action.kind, ActionKind::MoveServer);
        to.adopt(from.proxy.take_moved(action.link));
    }

    pool::Board board{2, 2};
    ProxyLinks first{board, plain_settings(), 0};
    ProxyLinks second{board, plain_settings(), 1};
};

// Both workers have a client and a server, and no permit is left.
class FullTest : public MovingTest {
 protected:
    void SetUp() override {
        a = log_in(first);
        s = first.newest(LinkKind::Server);
        b = log_in(second);
        t = second.newest(LinkKind::Server);
        d = log_in(second);
        pass(milliseconds(10));
    }
    std::size_t a = 0, s = 0, b = 0, t = 0, d = 0;
};

TEST_F(FullTest, WaitingClientAsksTheOtherWorkersAndGetsTheirIdleServer) {
    second.receive(b, query("select 1"));
    second.receive(d, query("select 2"));
    ASSERT_EQ(second.to_others.size(), 1U);
    EXPECT_EQ(second.to_others.back().kind, ActionKind::WantServer);

    first.proxy.server_wanted(first.now);
    first.perform();
    EXPECT_EQ(first.to_others.back().worker, 1U);
    move(first, second);
    EXPECT_FALSE(first.links[s].is_open);
    const std::size_t moved = second.newest(LinkKind::Server);
    EXPECT_EQ(second.take_sent(moved), query("select 2"));
    second.receive(moved, one_row("2"));
    EXPECT_EQ(second.take_sent(d), one_row("2"));
    EXPECT_EQ(board.used(), 2);
    EXPECT_EQ(first.proxy.metrics().servers_moved.get(), 1U);
    second.expect_drains();
    first.expect_drains();
    EXPECT_EQ(board.used(), 0);
}

TEST_F(FullTest, MovedServerKeepsItsKeyAndParameters) {
    first.receive(a, query("set timezone"));
    first.receive(s, parameter_status("TimeZone", "GMT") + done("SET"));
    second.receive(b, query("select 1"));
    second.receive(d, query("select 2"));
    first.proxy.server_wanted(first.now);
    first.perform();
    move(first, second);
    const std::size_t moved = second.newest(LinkKind::Server);
    EXPECT_EQ(second.take_sent(moved), query("SET TimeZone = 'UTC';") + query("select 2"));
    second.close(d);
    const std::size_t cancel = second.newest(LinkKind::Cancel);
    second.connect(cancel);
    EXPECT_EQ(second.take_sent(cancel), cancel_request(4711, "\1\2\3\4"));
}

TEST_F(FullTest, MovedServersStatementsAreForgottenOnBothSides) {
    first.receive(a, parse("x", "select 1") + sync());
    first.receive(s, parse_complete() + ready_for_query());
    second.receive(b, query("select 1"));
    second.receive(d, query("select 2"));
    first.proxy.server_wanted(first.now);
    first.perform();
    move(first, second);
    const std::size_t moved = second.newest(LinkKind::Server);
    EXPECT_EQ(second.take_sent(moved), query("DEALLOCATE ALL"));
    second.receive(moved, done("DEALLOCATE ALL"));
    EXPECT_EQ(second.take_sent(moved), query("select 2"));
}

TEST_F(FullTest, FreedServerGoesToTheWorkerWhoseClientHasWaitedLonger) {
    first.receive(a, query("select 1"));
    second.receive(b, query("select 2"));
    second.receive(d, query("select 3"));
    pass(milliseconds(50));
    first.receive(s, one_row("1"));
    EXPECT_EQ(first.take_sent(a).substr(0, 1), "T");
    move(first, second);
    EXPECT_EQ(second.take_sent(second.newest(LinkKind::Server)), query("select 3"));
}

TEST_F(FullTest, FreedServerStaysUnlessTheOtherHasWaitedLongerByMuch) {
    const std::size_t own = log_in(first);
    for (const int lead : {4, 6}) {
        first.receive(a, query("select 1"));
        second.receive(b, query("select 2"));
        second.receive(d, query("select 3"));
        pass(milliseconds(lead));
        first.receive(own, query("select 4"));
        pass(milliseconds(1));
        first.receive(s, one_row("1"));
        const bool is_moved = first.to_others.back().kind == ActionKind::MoveServer;
        EXPECT_EQ(is_moved, lead > 5);
        if (is_moved) break;
        second.receive(t, one_row("2"));
        second.receive(t, one_row("3"));
        first.receive(s, one_row("4"));
        second.to_others.clear();
        first.to_others.clear();
    }
}

TEST_F(FullTest, ServerThatDiesAsItIsFreedStays) {
    first.receive(a, query("select 1"));
    second.receive(b, query("select 2"));
    second.receive(d, query("select 3"));
    pass(milliseconds(50));
    const std::string fatal = fatal_response().code("57P01").message("bye").bytes();
    first.receive(s, one_row("1") + fatal);
    EXPECT_TRUE(first.to_others.empty());
    EXPECT_TRUE(first.links[s].is_shut);
    first.close(s, "end of stream");
    EXPECT_EQ(board.used(), 1);
    second.pass(milliseconds(50));
    EXPECT_EQ(second.proxy.metrics().servers_opening.get(), 1U);
}

TEST_F(FullTest, ServerInMidMessageStays) {
    first.receive(a, query("select 1"));
    second.receive(b, query("select 2"));
    second.receive(d, query("select 3"));
    pass(milliseconds(50));
    const std::string notice = notice_response().code("00000").message("hello").bytes();
    for (const std::size_t size : {std::size_t{3}, notice.size() - 1}) {
        first.receive(s, one_row("1") + notice.substr(0, size));
        EXPECT_TRUE(first.to_others.empty()) << size;
        first.proxy.server_wanted(first.now);
        first.perform();
        EXPECT_TRUE(first.to_others.empty()) << size;
        first.receive(s, notice.substr(size));
        first.receive(a, query("select 1"));
    }
}

TEST_F(FullTest, NobodyWaitsNobodyGets) {
    first.proxy.server_wanted(first.now);
    first.perform();
    EXPECT_TRUE(first.to_others.empty());
}

TEST_F(FullTest, MovedServerThatNobodyWantsAnyMoreIsIdle) {
    second.receive(b, query("select 1"));
    second.receive(d, query("select 2"));
    first.proxy.server_wanted(first.now);
    first.perform();
    second.close(d);
    move(first, second);
    EXPECT_EQ(second.proxy.metrics().servers_idle.get(), 1U);
    EXPECT_EQ(first.proxy.metrics().servers_idle.get(), 0U);
    EXPECT_EQ(board.used(), 2);
    second.expect_drains();
}

TEST_F(FullTest, WorkerThatDrainsClosesWhatItIsGiven) {
    second.receive(b, query("select 1"));
    second.receive(d, query("select 2"));
    first.proxy.server_wanted(first.now);
    first.perform();
    second.close(b);
    second.close(d);
    second.drain();
    move(first, second);
    EXPECT_TRUE(second.links[second.newest(LinkKind::Server)].is_shut);
}

}  // namespace
}  // namespace penstock::proxy
