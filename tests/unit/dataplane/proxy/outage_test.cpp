// What clients hear while logins at the database fail, and when they are served again.
#include "tests/support/script.hpp"

#include <gtest/gtest.h>

namespace penstock::proxy {
namespace {

using namespace test;
using std::chrono::milliseconds;

class OutageTest : public testing::Test {
 protected:
    // A client with an idle server.
    static std::size_t log_in(ProxyLinks& worker) {
        const std::size_t client = worker.accept();
        worker.receive(client, Script::startup_of_client());
        log_in_server(worker);
        EXPECT_TRUE(types(worker.take_sent(client)).ends_with("KZ"));
        return client;
    }
    static void log_in_server(ProxyLinks& worker) {
        const std::size_t server = worker.newest(LinkKind::Server);
        worker.connect(server);
        worker.take_sent(server);
        worker.receive(server, Script::welcome_of_server());
    }
    static void lose_server(ProxyLinks& worker) {
        worker.close(worker.newest(LinkKind::Server), "connection refused");
    }
    static std::string refusal(ProxyLinks& worker, std::size_t client) {
        const std::vector<Message> all = messages(worker.take_sent(client));
        return all.empty() ? "nothing" : std::string(wire::read_error(all[0].body).message);
    }

    pool::Board board{2, 10};
    ProxyLinks first{board, plain_settings(), 0};
    ProxyLinks second{board, plain_settings(), 1};
    std::size_t a = log_in(first);
    std::size_t b = log_in(second);
};

TEST_F(OutageTest, WhatOneWorkerHasMetAllOthersKnow) {
    constexpr std::string_view cause =
        "cannot connect to the database at db:5432: connection refused";
    lose_server(first);
    lose_server(second);
    first.receive(a, query("select 1"));
    lose_server(first);
    EXPECT_EQ(refusal(first, a), cause);
    const std::size_t links = second.links.size();
    second.receive(b, query("select 2"));
    EXPECT_EQ(refusal(second, b), cause);
    EXPECT_EQ(second.links.size(), links) << "no login of its own";

    first.pass(milliseconds(150));
    first.receive(a, query("select 3"));
    log_in_server(first);
    second.receive(b, query("select 4"));
    EXPECT_EQ(second.take_sent(b), "");
    EXPECT_GT(second.links.size(), links);
    log_in_server(second);
    second.pass(milliseconds(10));
    EXPECT_TRUE(second.take_sent(second.newest(LinkKind::Server)).ends_with(query("select 4")));
}

}  // namespace
}  // namespace penstock::proxy
