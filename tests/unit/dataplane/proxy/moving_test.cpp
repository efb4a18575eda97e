// Idle servers that change workers.
#include "tests/support/script.hpp"

#include <algorithm>
#include <utility>

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

    // What `from` asked of `to`.
    static void pass_on(ProxyLinks& from, ProxyLinks& to) {
        const auto actions = std::exchange(from.to_others, {});
        for (const Action& action : actions) {
            if (action.kind != ActionKind::WantServer || action.worker != to.worker) continue;
            to.proxy.server_wanted(action.pool, action.wanting_worker, to.now);
            to.perform();
        }
    }
    static bool has_moved(const ProxyLinks& from) {
        return std::ranges::any_of(from.to_others, [](const Action& action) {
            return action.kind == ActionKind::MoveServer;
        });
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
        second.to_others.clear();
    }
    std::size_t a = 0, s = 0, b = 0, t = 0, d = 0;
};

TEST_F(FullTest, WaitingClientAsksTheOtherWorkersAndGetsTheirIdleServer) {
    second.receive(b, query("select 1"));
    second.receive(d, query("select 2"));
    ASSERT_EQ(second.to_others.size(), 1U);
    pass_on(second, first);
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
    pass_on(second, first);
    move(first, second);
    const std::size_t moved = second.newest(LinkKind::Server);
    EXPECT_EQ(second.take_sent(moved), query("RESET TimeZone;") + query("select 2"));
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
    pass_on(second, first);
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
        const bool is_moved = has_moved(first);
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
    EXPECT_FALSE(has_moved(first));
    EXPECT_TRUE(first.links[s].is_shut);
    first.close(s, "end of stream");
    EXPECT_EQ(board.used(), 1);
    // There is none for it any more, but a permit.
    pass_on(second, first);
    pass_on(first, second);
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
        EXPECT_FALSE(has_moved(first)) << size;
        pass_on(second, first);
        EXPECT_FALSE(has_moved(first)) << size;
        first.receive(s, notice.substr(size));
        first.receive(a, query("select 1"));
    }
}

TEST_F(FullTest, NobodyWaitsNobodyGets) {
    second.receive(b, query("select 1"));
    second.receive(d, query("select 2"));
    second.receive(t, one_row("1"));
    second.receive(t, one_row("2"));
    pass_on(second, first);
    EXPECT_FALSE(has_moved(first));
}

// Both clients of the second worker wait while the first has one idle server and gets another.
TEST_F(FullTest, WhoStillWaitsAsksAgain) {
    board.set_limit(3);
    const std::size_t own = log_in(first);
    const std::size_t e = log_in(second);
    first.receive(a, query("select 1"));
    second.receive(b, query("select 3"));
    first.receive(own, query("select 2"));
    pass_on(first, second);
    pass_on(second, first);
    log_in_server(first);
    second.receive(d, query("select 4"));
    second.receive(e, query("select 5"));
    pass_on(second, first);
    pass_on(first, second);
    EXPECT_FALSE(has_moved(first));
    first.receive(s, one_row("1"));
    move(first, second);
    EXPECT_EQ(second.take_sent(second.newest(LinkKind::Server)), query("select 4"));
    first.to_others.clear();
    first.receive(first.newest(LinkKind::Server), one_row("2"));
    move(first, second);
    EXPECT_EQ(second.take_sent(second.newest(LinkKind::Server)), query("select 5"));
}

// A server that is closed leaves its permit to the worker that waits for one.
TEST_F(FullTest, FreedPermitIsToldToTheWorkerThatWaits) {
    first.receive(a, query("select 1"));
    second.receive(b, query("select 2"));
    second.receive(d, query("select 3"));
    pass_on(second, first);
    pass_on(first, second);
    first.close(s, "reset");
    pass_on(first, second);
    EXPECT_EQ(second.proxy.metrics().servers_opening.get(), 1U);
}

TEST_F(FullTest, MovedServerThatNobodyWantsAnyMoreIsIdle) {
    second.receive(b, query("select 1"));
    second.receive(d, query("select 2"));
    pass_on(second, first);
    ASSERT_TRUE(has_moved(first));
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
    pass_on(second, first);
    second.close(b);
    second.close(d);
    second.drain();
    move(first, second);
    EXPECT_TRUE(second.links[second.newest(LinkKind::Server)].is_shut);
}

}  // namespace
}  // namespace penstock::proxy
