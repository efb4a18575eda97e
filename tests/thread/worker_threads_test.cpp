// Two workers that serve while everything else happens: reloads, grants that go up and down,
// reports read, cancels, and the end. Run it with ThreadSanitizer.
#include "tests/support/running_proxy.hpp"

#include <atomic>
#include <thread>
#include <vector>

namespace penstock {
namespace {

constexpr int clients = 8;

class WorkerThreadsTest : public ::testing::Test {
 protected:
    static std::string config(int generation) {
        return std::string(test::RunningProxy::default_clients) +
               "workers: 2\ngeneration: " + std::to_string(generation) +
               "\nserverConnections: 4\ndrain: {timeoutSeconds: 5}\n";
    }

    // Clients that ask until told to stop or until the proxy ends. Counts wrong answers.
    void serve(const test::RunningProxy& proxy) {
        for (int client = 0; client < clients; ++client) {
            threads_.emplace_back([this, client, conninfo = proxy.conninfo()] {
                while (!stop_) {
                    test::Client connection(conninfo);
                    for (int i = 0; i < 20 && !stop_ && connection.is_connected(); ++i) {
                        const std::string tag = std::to_string(client) + "/" + std::to_string(i);
                        const test::Answer answer = connection.ask("SELECT '" + tag + "'");
                        if (answer.ok && answer.value != tag) ++wrong_;
                        if (answer.ok) ++answered_;
                    }
                }
            });
        }
    }
    void stop() {
        stop_ = true;
        for (std::thread& thread : threads_) thread.join();
        threads_.clear();
    }

    test::ThrowawayPostgres postgres_;
    std::vector<std::thread> threads_;
    std::atomic<bool> stop_{false};
    std::atomic<int> wrong_{0};
    std::atomic<int> answered_{0};
};

TEST_F(WorkerThreadsTest, ReloadsGrantsAndReportsWhileServing) {
    const test::RunningProxy proxy(postgres_.port(), config(0));
    serve(proxy);
    for (int turn = 1; turn <= 20; ++turn) {
        proxy.write_config(config(turn));
        proxy.http(
            "PUT",
            "/v1/grant",
            R"({"epoch":1,"serverConnections":)" + std::to_string(1 + turn % 4) +
                R"(,"throttle":{"enforced":true,"queueLengthMax":100},"sequence":)" +
                std::to_string(turn) + "}"
        );
        const int seen = answered_;
        ASSERT_TRUE(test::await([&] { return answered_ > seen + 20; }));
        proxy.http("GET", "/metrics", "");
    }
    EXPECT_TRUE(proxy.await_report([](const api::Report& report) {
        return report.config_generation == 20;
    }));
    stop();
    EXPECT_EQ(wrong_, 0);
}

TEST_F(WorkerThreadsTest, DrainsWhileServing) {
    test::RunningProxy proxy(postgres_.port(), config(0));
    serve(proxy);
    ASSERT_TRUE(test::await([&] { return answered_ > 100; }));
    proxy.control().drain_soon();
    EXPECT_TRUE(test::await([&] { return proxy.has_ended(); }));
    stop();
    EXPECT_EQ(wrong_, 0);
}

TEST_F(WorkerThreadsTest, EndsAtOnceWhileServing) {
    {
        const test::RunningProxy proxy(postgres_.port(), config(0));
        serve(proxy);
        ASSERT_TRUE(test::await([&] { return answered_ > 100; }));
    }
    stop();
    EXPECT_EQ(wrong_, 0);
}

}  // namespace
}  // namespace penstock
