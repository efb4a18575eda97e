#include "dataplane/net/waiting.hpp"

#include "tests/support/grants_client.hpp"

#include <thread>

#include <gmock/gmock.h>
#include <signal.h>
#include <spdlog/spdlog.h>

namespace penstock::net {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class WaitingTest : public ::testing::Test {
 protected:
    WaitingTest() { spdlog::set_level(spdlog::level::off); }
    ~WaitingTest() override {
        if (thread_.joinable()) thread_.join();
    }
    void write_document() {
        folder_.write(
            "proxy.yaml",
            "database: {host: h, tls: {mode: Disable}}\npool: shop/orders\n"
            "serverConnections: 4\nlogLevel: Error\nadmin: {port: 0, portFile: " +
                folder_.path("port") +
                ", grants: {address: 127.0.0.1, port: 0, clientCaFile: " + authority_.cert() +
                "}}\nclients: {usersFile: " + folder_.path("secrets/users") + "}\n"
        );
    }
    Reading read() const { return read_configuration(folder_.path("proxy.yaml"), identity_); }
    void wait() { wait(read()); }
    void wait(Reading first) {
        thread_ = std::thread([this, first = std::move(first)] {
            end_ = waiting_.run(first);
            is_over_ = true;
        });
    }
    bool is_open() {
        return test::await([this] { return !folder_.read("port").empty(); });
    }
    bool is_over() {
        return test::await([this] { return is_over_.load(); });
    }
    std::string get(const std::string& target) const {
        return test::ask_plainly(console_.admin_port(), target);
    }

    const test::TempDir folder_;
    const test::ClientAuthority authority_{folder_, "ca"};
    const test::ClientCertificate operator_ = authority_.issue("operator", "penstock-operator");
    const Identity identity_{"p", "m"};
    Console console_;
    Waiting waiting_{console_, folder_.path("proxy.yaml"), identity_};
    Waiting::End end_ = Waiting::End::Asked;
    std::atomic<bool> is_over_{false};
    std::thread thread_;
};

TEST_F(WaitingTest, SaysWhatIsMissingAndEndsOnceItIsThere) {
    write_document();
    wait();
    ASSERT_TRUE(is_open());
    EXPECT_THAT(get("/healthz"), StartsWith("HTTP/1.1 200"));
    const std::string ready = get("/readyz");
    EXPECT_THAT(ready, StartsWith("HTTP/1.1 503"));
    EXPECT_THAT(ready, HasSubstr(folder_.path("secrets/users")));
    EXPECT_THAT(ready, HasSubstr("create it, or the Secret"));
    EXPECT_THAT(get("/metrics"), HasSubstr("penstock_proxy_"));
    const std::string report = test::ask_over_tls(console_.grants_port(), operator_, "/v1/report");
    EXPECT_THAT(report, HasSubstr(R"("pool":"shop/orders")"));
    EXPECT_THAT(report, HasSubstr(R"("granted":4)"));
    EXPECT_THAT(report, HasSubstr(R"("configErrors":["clients.usersFile: cannot read)"));

    std::filesystem::create_directory(folder_.path("secrets"));
    folder_.write("secrets/users", "\"app\" \"secret\"\n");
    ASSERT_TRUE(is_over());
    EXPECT_EQ(end_, Waiting::End::Good);
    EXPECT_TRUE(waiting_.reading().configuration);
    EXPECT_FALSE(waiting_.grant());
}

TEST_F(WaitingTest, AMalformedFileIsWaitedForToo) {
    write_document();
    std::filesystem::create_directory(folder_.path("secrets"));
    folder_.write("secrets/users", "nonsense\n");
    wait();
    ASSERT_TRUE(is_open());
    EXPECT_THAT(get("/readyz"), HasSubstr("line 1"));
    folder_.write("secrets/users", "\"app\" \"secret\"\n");
    EXPECT_TRUE(is_over());
    EXPECT_EQ(end_, Waiting::End::Good);
}

TEST_F(WaitingTest, AGrantIsKeptForLater) {
    write_document();
    wait();
    ASSERT_TRUE(is_open());
    const auto push = [&](const std::string& grant) {
        return test::ask_over_tls(console_.grants_port(), operator_, "/v1/grant", "PUT", grant);
    };
    EXPECT_THAT(
        push(R"({"epoch":2,"sequence":1,"serverConnections":7})"), HasSubstr("\"granted\":7")
    );
    EXPECT_THAT(
        push(R"({"epoch":1,"sequence":9,"serverConnections":9})"), StartsWith("HTTP/1.1 409")
    );
    std::filesystem::create_directory(folder_.path("secrets"));
    folder_.write("secrets/users", "\"app\" \"secret\"\n");
    ASSERT_TRUE(is_over());
    ASSERT_TRUE(waiting_.grant());
    EXPECT_EQ(waiting_.grant()->server_connections, 7);
}

TEST_F(WaitingTest, ADocumentThatIsNotThereYetIsWaitedFor) {
    wait();
    write_document();
    EXPECT_TRUE(is_open());
    ::kill(::getpid(), SIGTERM);
    ASSERT_TRUE(is_over());
    EXPECT_EQ(end_, Waiting::End::Asked);
}

TEST_F(WaitingTest, WhatWasWrittenBetweenTheFirstReadingAndTheWatchIsSeen) {
    Reading before = read();
    write_document();
    wait(std::move(before));
    EXPECT_TRUE(is_open());
    ::kill(::getpid(), SIGTERM);
    ASSERT_TRUE(is_over());
    EXPECT_EQ(end_, Waiting::End::Asked);
}

}  // namespace
}  // namespace penstock::net
