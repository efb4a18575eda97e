#include "dataplane/net/workers.hpp"

#include "tests/support/await.hpp"
#include "tests/support/idle_workers.hpp"

#include <atomic>

namespace penstock::net {
namespace {

TEST(Workers, AllListenOnOnePort) {
    test::IdleWorkers workers(3);
    const auto port = workers->listen("127.0.0.1", 0);
    ASSERT_TRUE(port);
    EXPECT_GT(*port, 0);
    EXPECT_EQ(workers->count(), 3U);
    EXPECT_EQ(workers->metrics().size(), 3U);
}

TEST(Workers, EachSaysOnceThatItIsDrained) {
    std::atomic<int> drained{0};
    test::IdleWorkers workers(2, [&drained] { ++drained; });
    ASSERT_TRUE(workers->listen("127.0.0.1", 0));
    workers->start();
    workers->drain();
    EXPECT_TRUE(test::await([&] { return drained == 2; }));
    workers->drain();
    workers->stop();
    EXPECT_EQ(drained, 2);
}

TEST(Workers, AServerFaultIsEmptyWhenNobodyHasTried) {
    test::IdleWorkers workers(2);
    EXPECT_EQ(workers->server_error(), "");
}

TEST(Workers, StopBeforeStartAndTwiceIsNothing) {
    test::IdleWorkers workers(2);
    workers->stop();
    ASSERT_TRUE(workers->listen("127.0.0.1", 0));
    workers->start();
    workers->stop();
    workers->stop();
}

}  // namespace
}  // namespace penstock::net
