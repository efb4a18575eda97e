#include "dataplane/net/console.hpp"

#include "tests/support/client_certificates.hpp"
#include "tests/support/grants_client.hpp"

#include <thread>

#include <gmock/gmock.h>

namespace penstock::net {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class ConsoleTest : public ::testing::Test {
 protected:
    ConsoleTest() {
        console_.show({
            .why_not_ready = [] { return std::string("no users file"); },
            .metrics = [] { return std::string(); },
            .report = [] { return api::Report(); },
            .take_grant = [](const api::Grant&) { return true; },
            .token = [] { return std::string(); },
        });
    }
    ~ConsoleTest() override {
        console_.context().stop();
        if (thread_.joinable()) thread_.join();
    }
    Reading read(const std::string& authorities) {
        folder_.write("authorities", authorities);
        return read_configuration(
            folder_.write(
                "proxy.yaml",
                "database: {host: h, tls: {mode: Disable}}\nclients: {authentication: Trust}\n"
                "admin: {port: 0, grants: {address: 127.0.0.1, port: 0, clientCaFile: " +
                    folder_.path("authorities") + ", identityTokenFile: " + folder_.path("token") +
                    "}}\n"
            ),
            {"p", "m"}
        );
    }
    void serve(const Reading& reading) {
        ASSERT_TRUE(reading.document);
        ASSERT_TRUE(console_.open(*reading.document));
        console_.configure(reading);
        thread_ = std::thread([this] { console_.context().run(); });
    }
    std::string ask() const {
        return test::ask_over_tls(console_.grants_port(), operator_, "/v1/report");
    }

    const test::TempDir folder_;
    const test::ClientAuthority authority_{folder_, "ca"};
    const test::ClientCertificate operator_ = authority_.issue("operator", "penstock-operator");
    Console console_;
    std::thread thread_;
};

TEST_F(ConsoleTest, ShowsTheTokenOfTheMomentAndNoneIfThereIsNone) {
    serve(read(authority_.pem()));
    EXPECT_THAT(ask(), StartsWith("HTTP/1.1 200"));
    EXPECT_THAT(ask(), Not(HasSubstr("Penstock-Identity")));
    folder_.write("token", "first.token\n");
    EXPECT_THAT(ask(), HasSubstr("Penstock-Identity: first.token\r\n"));
    folder_.write("token", "second.token");
    EXPECT_THAT(ask(), HasSubstr("Penstock-Identity: second.token\r\n"));
    folder_.write("token", "no\x01token");
    EXPECT_THAT(ask(), Not(HasSubstr("Penstock-Identity")));
}

TEST_F(ConsoleTest, ThePlainPortSaysWhereGrantsAre) {
    serve(read(authority_.pem()));
    const std::string answer = test::ask_plainly(console_.admin_port(), "/v1/report");
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 404"));
    EXPECT_THAT(answer, HasSubstr("admin.grants"));
    EXPECT_THAT(
        test::ask_plainly(console_.admin_port(), "/readyz"),
        ::testing::AllOf(StartsWith("HTTP/1.1 503"), HasSubstr("no users file"))
    );
}

TEST_F(ConsoleTest, WithoutAuthoritiesNobodyComesInUntilThereAreSome) {
    serve(read("no certificate"));
    EXPECT_THAT(ask(), Not(StartsWith("HTTP")));
    const Reading better = read(authority_.pem());
    boost::asio::post(console_.context(), [&] { console_.configure(better); });
    EXPECT_TRUE(test::await([&] { return ask().starts_with("HTTP/1.1 200"); }));
}

TEST_F(ConsoleTest, APortInUseIsSaid) {
    const Reading reading = read(authority_.pem());
    serve(reading);
    Console second;
    second.show({});
    api::DataplaneConfig document = *reading.document;
    document.admin.grants->port = console_.grants_port();
    EXPECT_FALSE(second.open(document));
    EXPECT_FALSE(second.is_open());
}

}  // namespace
}  // namespace penstock::net
