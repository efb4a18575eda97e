#include "dataplane/net/grants_tls.hpp"

#include "dataplane/net/admin_server.hpp"
#include "tests/support/grants_client.hpp"

#include <thread>

#include <gmock/gmock.h>

namespace penstock::net {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class GrantsTlsTest : public ::testing::Test {
 protected:
    void serve(const std::string& authorities) {
        auto tls = make_grants_tls(authorities);
        ASSERT_TRUE(tls) << api::to_string(tls.error());
        server_.set_tls(*tls);
        port_ = server_.open_tls("127.0.0.1", 0).value();
        thread_ = std::thread([this] { context_.run(); });
    }
    ~GrantsTlsTest() override {
        context_.stop();
        if (thread_.joinable()) thread_.join();
    }
    std::string ask(const test::ClientCertificate& certificate) const {
        return test::ask_over_tls(port_, certificate, "/v1/report");
    }

    const test::TempDir folder_;
    const test::ClientAuthority authority_{folder_, "ca"};
    const test::ClientAuthority another_{folder_, "another"};
    boost::asio::io_context context_;
    AdminServer server_{context_, [](const AdminRequest&) {
                            return AdminResponse{200, "text/plain", "in\n", "a.b.c"};
                        }};
    std::uint16_t port_ = 0;
    std::thread thread_;
};

TEST_F(GrantsTlsTest, OnlyTheOperatorComesIn) {
    serve(authority_.pem());
    const test::ClientCertificate good = authority_.issue("good", "penstock-operator");
    const test::ClientCertificate other = authority_.issue("other", "somebody");
    const test::ClientCertificate longer = authority_.issue("longer", "penstock-operator.evil");
    const test::ClientCertificate foreign = another_.issue("foreign", "penstock-operator");
    EXPECT_THAT(ask(good), StartsWith("HTTP/1.1 200"));
    EXPECT_THAT(ask(good), HasSubstr("Penstock-Identity: a.b.c\r\n"));
    EXPECT_THAT(ask({}), HasSubstr("certificate required"));
    for (const test::ClientCertificate* each : {&other, &longer, &foreign}) {
        EXPECT_THAT(ask(*each), ::testing::Not(StartsWith("HTTP"))) << each->cert;
    }
}

TEST_F(GrantsTlsTest, TwoAuthoritiesAreBothGoodWhileOneFollowsTheOther) {
    serve(authority_.pem() + another_.pem());
    const test::ClientCertificate old = authority_.issue("old", "penstock-operator");
    const test::ClientCertificate next = another_.issue("next", "penstock-operator");
    EXPECT_THAT(ask(old), StartsWith("HTTP/1.1 200"));
    EXPECT_THAT(ask(next), StartsWith("HTTP/1.1 200"));
}

TEST_F(GrantsTlsTest, WhatIsNoCertificateIsAFault) {
    const std::string good = authority_.pem();
    for (const std::string& wrong :
         {std::string(), std::string("text"), good.substr(0, 200), good + good.substr(0, 200)}) {
        const auto made = make_grants_tls(wrong);
        ASSERT_FALSE(made) << wrong;
        EXPECT_THAT(made.error().text, HasSubstr("certificate in PEM form"));
    }
}

}  // namespace
}  // namespace penstock::net
