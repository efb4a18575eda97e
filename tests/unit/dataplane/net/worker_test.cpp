// Workers with the real Proxy in front of a real PostgreSQL.
#include "dataplane/net/worker.hpp"

#include "tests/support/running_proxy.hpp"

#include <gmock/gmock.h>

namespace penstock::net {
namespace {

using ::testing::HasSubstr;

constexpr const char* base = test::RunningProxy::default_clients;

TEST(Worker, ServersMoveToWhereClientsWait) {
    const test::ThrowawayPostgres postgres;
    const test::RunningProxy proxy(
        postgres.port(), std::string(base) + "workers: 3\nserverConnections: 2\n"
    );
    std::vector<std::thread> threads;
    std::atomic<int> wrong{0};
    for (int client = 0; client < 12; ++client) {
        threads.emplace_back([&, client] {
            auto connection = proxy.connect();
            for (int i = 0; i < 50; ++i) {
                const std::string tag = std::to_string(client) + "/" + std::to_string(i);
                if (connection.ask("SELECT '" + tag + "'").value != tag) ++wrong;
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(wrong, 0);
    EXPECT_EQ(proxy.report().totals.queries, 600U);
    EXPECT_LE(proxy.report().totals.server_logins, 4U);
}

// PostgreSQL is slow to refuse the first row: what was sent behind it is still to be written when
// the server is free, and when it changes workers.
TEST(Worker, AServerMovesWithWhatIsStillToBeWrittenToIt) {
    const test::ThrowawayPostgres postgres;
    const test::RunningProxy proxy(
        postgres.port(), std::string(base) + "workers: 3\nserverConnections: 2\n"
    );
    const char* const tables =
        "CREATE FUNCTION refuse(int) RETURNS bool LANGUAGE plpgsql AS "
        "$$ BEGIN PERFORM pg_sleep(0.3); RETURN false; END $$; "
        "CREATE TABLE copied (a int CHECK (refuse(a)))";
    ASSERT_TRUE(proxy.connect().ask(tables).ok);
    std::atomic<bool> is_over{false};
    std::atomic<int> wrong{0};
    std::vector<std::thread> threads;
    for (int client = 0; client < 6; ++client) {
        threads.emplace_back([&] {
            auto connection = proxy.connect();
            while (!is_over && wrong == 0) {
                if (connection.ask("SELECT 'mine'").value != "mine") ++wrong;
            }
        });
    }
    // More than sockets take, in messages of eight bytes: none is cut where a read ends.
    constexpr int messages = 2'000'000;
    for (int i = 0; i < 2; ++i) {
        auto copier = proxy.connect();
        const std::unique_ptr<PGresult, decltype(&PQclear)> begun(
            PQexec(copier.get(), "COPY copied FROM STDIN"), &PQclear
        );
        ASSERT_EQ(PQresultStatus(begun.get()), PGRES_COPY_IN);
        PQputCopyData(copier.get(), "1\n\n", 3);
        for (int message = 0; message < messages; ++message) {
            PQputCopyData(copier.get(), "\n\n\n", 3);
        }
        PQputCopyEnd(copier.get(), nullptr);
        const std::unique_ptr<PGresult, decltype(&PQclear)> ended(
            PQgetResult(copier.get()), &PQclear
        );
        EXPECT_STREQ(PQresultErrorField(ended.get(), PG_DIAG_SQLSTATE), "23514");
    }
    is_over = true;
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(wrong, 0);
}

TEST(Worker, ACancelFindsItsClientOnAnyWorker) {
    const test::ThrowawayPostgres postgres;
    const test::RunningProxy proxy(postgres.port(), std::string(base) + "workers: 3\n");
    for (int i = 0; i < 6; ++i) {
        auto client = proxy.connect();
        ASSERT_EQ(PQsendQuery(client.get(), "SELECT pg_sleep(60)"), 1);
        ASSERT_TRUE(proxy.await_report([](const api::Report& report) {
            return report.servers_busy == 1;
        }));
        const std::unique_ptr<PGcancel, decltype(&PQfreeCancel)> cancel(
            PQgetCancel(client.get()), &PQfreeCancel
        );
        std::array<char, 256> error{};
        // The query may not have begun yet: a cancel that comes too early does nothing.
        const auto asked = [&] {
            PQcancel(cancel.get(), error.data(), static_cast<int>(error.size()));
            PQconsumeInput(client.get());
            return PQisBusy(client.get()) == 0;
        };
        ASSERT_TRUE(test::await(asked));
        const std::unique_ptr<PGresult, decltype(&PQclear)> result(
            PQgetResult(client.get()), &PQclear
        );
        EXPECT_STREQ(PQresultErrorField(result.get(), PG_DIAG_SQLSTATE), "57014");
    }
}

// What a client does not read stays with the database, not here.
TEST(Worker, ASlowReaderHoldsUpItsServerOnly) {
    const test::ThrowawayPostgres postgres;
    const test::RunningProxy proxy(postgres.port(), std::string(base) + "workers: 1\n");
    auto slow = proxy.connect();
    ASSERT_EQ(
        PQsendQuery(slow.get(), "SELECT repeat('x', 100000) FROM generate_series(1, 600)"), 1
    );
    std::uint64_t before = 0;
    ASSERT_TRUE(test::await([&] {
        const std::uint64_t now = proxy.report().totals.bytes_from_servers;
        const bool is_stuck = now > 0 && now == before;
        before = now;
        return is_stuck;
    }));
    EXPECT_LT(before, 20'000'000U);
    EXPECT_EQ(proxy.connect().ask("SELECT 2").value, "2");
    const std::unique_ptr<PGresult, decltype(&PQclear)> result(PQgetResult(slow.get()), &PQclear);
    EXPECT_EQ(PQntuples(result.get()), 600);
}

// A socket that speaks the protocol by hand.
class RawClient {
 public:
    explicit RawClient(std::uint16_t port) : socket_(context_) {
        socket_.connect({boost::asio::ip::address_v4::loopback(), port});
    }
    void send(const std::string& bytes) { boost::asio::write(socket_, boost::asio::buffer(bytes)); }
    void end_sending() { socket_.shutdown(boost::asio::ip::tcp::socket::shutdown_send); }
    // Everything until the other side closes.
    std::string receive_all() {
        std::string all;
        boost::system::error_code end;
        boost::asio::read(socket_, boost::asio::dynamic_buffer(all), end);
        return all;
    }

 private:
    boost::asio::io_context context_;
    boost::asio::ip::tcp::socket socket_;
};

TEST(Worker, AClientThatEndsItsHalfIsClosed) {
    const test::ThrowawayPostgres postgres;
    test::RunningProxy proxy(postgres.port());
    RawClient client(proxy.control().client_port());
    ASSERT_TRUE(proxy.connect().ask("SELECT 1").ok);
    client.end_sending();
    EXPECT_EQ(client.receive_all(), "");
}

// Its socket is not read while it waits, and it has sent more than was asked of it.
// One that only sends no more stays: it waits for its replies.
TEST(Worker, AClientThatBreaksAwayWhileItWaitsLeavesTheQueue) {
    const test::ThrowawayPostgres postgres;
    const test::RunningProxy proxy(
        postgres.port(), std::string(base) + "workers: 1\nserverConnections: 1\n"
    );
    auto holder = proxy.connect();
    ASSERT_TRUE(holder.ask("BEGIN").ok);
    const auto waiting = [&proxy](std::int32_t count) {
        return proxy.await_report([count](const api::Report& report) {
            return report.clients_waiting == count;
        });
    };
    {
        auto waiter = proxy.connect();
        ASSERT_EQ(PQsendQuery(waiter.get(), "SELECT 1"), 1);
        ASSERT_TRUE(waiting(1));
        const std::string more(100'000, 'x');
        ASSERT_GT(::send(PQsocket(waiter.get()), more.data(), more.size(), MSG_DONTWAIT), 0);
        const linger reset{1, 0};
        ASSERT_EQ(
            ::setsockopt(PQsocket(waiter.get()), SOL_SOCKET, SO_LINGER, &reset, sizeof reset), 0
        );
    }
    EXPECT_TRUE(waiting(0));
    EXPECT_TRUE(holder.ask("COMMIT").ok);
}

TEST(Worker, NoiseIsClosedWithoutAWord) {
    const test::ThrowawayPostgres postgres;
    test::RunningProxy proxy(postgres.port());
    RawClient client(proxy.control().client_port());
    client.send("GET / HTTP/1.1\r\n\r\n");
    EXPECT_EQ(client.receive_all(), "");
}

TEST(Worker, AServerThatDiesInAQueryIsToldToItsClientOnly) {
    const test::ThrowawayPostgres postgres;
    const test::RunningProxy proxy(postgres.port(), std::string(base) + "workers: 1\n");
    auto victim = proxy.connect();
    auto other = proxy.connect();
    ASSERT_TRUE(victim.ask("BEGIN").ok);
    const std::string pid = victim.ask("SELECT pg_backend_pid()").value;
    ASSERT_TRUE(other.ask("SELECT 1").ok);
    ASSERT_EQ(postgres.connect().ask("SELECT pg_terminate_backend(" + pid + ")").value, "t");
    EXPECT_TRUE(test::await([&] { return !victim.ask("SELECT 1").ok; }));
    EXPECT_TRUE(other.ask("SELECT 1").ok);
    EXPECT_TRUE(proxy.await_report([](const api::Report& report) { return report.servers() == 1; })
    );
}

}  // namespace
}  // namespace penstock::net
