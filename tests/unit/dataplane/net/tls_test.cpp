#include "dataplane/net/tls.hpp"

#include "tests/support/tls_pair.hpp"

#include <array>

#include <gmock/gmock.h>

namespace penstock::net {
namespace {

using ::testing::HasSubstr;

using TlsTest = test::TlsPair;

TEST_F(TlsTest, EachModeAcceptsWhatItShould) {
    struct Case {
        api::TlsMode mode;
        bool right_ca;
        const char* host;
        const char* fault;  // "": accepted
    };
    using enum api::TlsMode;
    const std::array cases{
        Case{Prefer, false, "elsewhere", ""},
        Case{Require, false, "elsewhere", ""},
        Case{VerifyCA, true, "elsewhere", ""},
        Case{VerifyCA, false, "db.example", "certificate"},
        Case{VerifyFull, true, "db.example", ""},
        Case{VerifyFull, true, "127.0.0.1", ""},
        Case{VerifyFull, true, "127.0.0.2", "IP address mismatch"},
        Case{VerifyFull, true, "elsewhere", "hostname mismatch"},
        Case{VerifyFull, false, "db.example", "certificate"},
    };
    for (const Case& each : cases) {
        SCOPED_TRACE(std::string(api::to_text(each.mode)) + " " + each.host);
        std::array<int, 2> ends{};
        ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()), 0);
        near_ = UniqueFd(ends[0]);
        far_ = UniqueFd(ends[1]);
        start(each.mode, each.right_ca ? certificate_.cert : other_.cert, each.host);
        if (std::string(each.fault).empty()) {
            EXPECT_EQ(shake_hands(), TlsStream::Step::Established) << connector_->error();
        } else {
            EXPECT_EQ(shake_hands(), TlsStream::Step::Failed);
            EXPECT_THAT(connector_->error(), HasSubstr(each.fault));
        }
    }
}

TEST_F(TlsTest, FaultsNameTheFile) {
    const std::string junk = folder_.write("junk", "no PEM");
    const auto no_cert = ClientSideTls::make(junk, certificate_.key);
    ASSERT_FALSE(no_cert);
    EXPECT_EQ(no_cert.error().path, junk);
    const auto no_key = ClientSideTls::make(certificate_.cert, junk);
    ASSERT_FALSE(no_key);
    EXPECT_EQ(no_key.error().path, junk);
    const auto other_key = ClientSideTls::make(certificate_.cert, other_.key);
    ASSERT_FALSE(other_key);
    EXPECT_THAT(other_key.error().text, HasSubstr("mismatch"));
    EXPECT_FALSE(ServerSideTls::make(api::TlsMode::VerifyCA, junk, "h"));
}

}  // namespace
}  // namespace penstock::net
