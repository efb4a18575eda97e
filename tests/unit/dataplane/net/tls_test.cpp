#include "dataplane/net/tls.hpp"

#include "dataplane/net/unique_fd.hpp"
#include "tests/support/certificates.hpp"

#include <array>

#include <gmock/gmock.h>
#include <sys/socket.h>

namespace penstock::net {
namespace {

using ::testing::HasSubstr;

// Both ends of a connection, each with its TLS.
class TlsTest : public ::testing::Test {
 protected:
    TlsTest() {
        std::array<int, 2> ends{};
        EXPECT_EQ(
            ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()), 0
        );
        near_ = UniqueFd(ends[0]);
        far_ = UniqueFd(ends[1]);
    }

    void start(api::TlsMode mode, const std::string& ca_file, const std::string& host) {
        const auto acceptor = ClientSideTls::make(certificate_.cert, certificate_.key);
        ASSERT_TRUE(acceptor) << api::to_string(acceptor.error());
        const auto connector = ServerSideTls::make(mode, ca_file, host);
        ASSERT_TRUE(connector) << api::to_string(connector.error());
        acceptor_ = (*acceptor)->start(near_.get());
        connector_ = (*connector)->start(far_.get());
        // The contexts may go, as in a reload.
    }
    // The connecting side's last step.
    TlsStream::Step shake_hands() {
        TlsStream::Step theirs = TlsStream::Step::WantsRead;
        for (int turn = 0; turn < 10; ++turn) {
            theirs = connector_->handshake();
            if (theirs == TlsStream::Step::Failed) return theirs;
            const TlsStream::Step ours = acceptor_->handshake();
            if (ours == TlsStream::Step::Established && theirs == ours) break;
        }
        return theirs;
    }

    test::TempDir folder_;
    test::Certificate certificate_ = test::make_certificate(folder_, "server", "db.example");
    test::Certificate other_ = test::make_certificate(folder_, "other", "db.example");
    UniqueFd near_;
    UniqueFd far_;
    std::unique_ptr<TlsStream> acceptor_;
    std::unique_ptr<TlsStream> connector_;
};

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

TEST_F(TlsTest, BytesGoThroughUntilTheSocketIsFullAndThenOn) {
    start(api::TlsMode::Require, "", "db.example");
    ASSERT_EQ(shake_hands(), TlsStream::Step::Established);
    std::string sent;
    for (int i = 0; i < 200'000; ++i) sent += std::to_string(i);
    std::string received;
    std::array<char, 65'536> buffer;
    std::size_t written = 0;
    bool was_full = false;
    while (received.size() < sent.size()) {
        while (written < sent.size()) {
            const Transfer out = acceptor_->write(std::string_view(sent).substr(written));
            ASSERT_NE(out.kind, Transfer::Kind::Closed) << out.reason;
            if (out.kind == Transfer::Kind::WouldBlock) break;
            written += out.bytes;
        }
        was_full = was_full || written < sent.size();
        const Transfer in = connector_->read(buffer.data(), buffer.size());
        ASSERT_NE(in.kind, Transfer::Kind::Closed) << in.reason;
        received.append(buffer.data(), in.bytes);
    }
    EXPECT_TRUE(was_full);
    EXPECT_EQ(received, sent);
    EXPECT_EQ(connector_->read(buffer.data(), buffer.size()).kind, Transfer::Kind::WouldBlock);
}

TEST_F(TlsTest, BytesThatDoNotFitTheBufferArePending) {
    start(api::TlsMode::Require, "", "db.example");
    ASSERT_EQ(shake_hands(), TlsStream::Step::Established);
    ASSERT_EQ(acceptor_->write("abcdef").bytes, 6U);
    std::array<char, 4> buffer;
    EXPECT_EQ(connector_->read(buffer.data(), buffer.size()).bytes, 4U);
    EXPECT_TRUE(connector_->has_pending());
    EXPECT_EQ(connector_->read(buffer.data(), buffer.size()).bytes, 2U);
}

TEST_F(TlsTest, TheEndIsSeenBehindTheLastBytes) {
    start(api::TlsMode::Require, "", "db.example");
    ASSERT_EQ(shake_hands(), TlsStream::Step::Established);
    ASSERT_EQ(acceptor_->write("bye").bytes, 3U);
    acceptor_->shutdown();
    std::array<char, 64> buffer;
    EXPECT_EQ(connector_->read(buffer.data(), buffer.size()).bytes, 3U);
    EXPECT_TRUE(connector_->has_ended());
    EXPECT_EQ(connector_->read(buffer.data(), buffer.size()).kind, Transfer::Kind::Closed);
}

TEST_F(TlsTest, ASocketThatClosesInTheHandshakeIsAFault) {
    start(api::TlsMode::Require, "", "db.example");
    EXPECT_EQ(connector_->handshake(), TlsStream::Step::WantsRead);
    near_.reset();
    EXPECT_EQ(connector_->handshake(), TlsStream::Step::Failed);
    EXPECT_THAT(connector_->error(), HasSubstr("TLS handshake failed"));
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
