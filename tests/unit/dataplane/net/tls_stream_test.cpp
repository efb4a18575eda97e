#include "dataplane/net/tls_stream.hpp"

#include "tests/support/tls_pair.hpp"

#include <array>

#include <gmock/gmock.h>

namespace penstock::net {
namespace {

using ::testing::HasSubstr;

using TlsStreamTest = test::TlsPair;

TEST_F(TlsStreamTest, BytesGoThroughUntilTheSocketIsFullAndThenOn) {
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

TEST_F(TlsStreamTest, BytesThatDoNotFitTheBufferArePending) {
    start(api::TlsMode::Require, "", "db.example");
    ASSERT_EQ(shake_hands(), TlsStream::Step::Established);
    ASSERT_EQ(acceptor_->write("abcdef").bytes, 6U);
    std::array<char, 4> buffer;
    EXPECT_EQ(connector_->read(buffer.data(), buffer.size()).bytes, 4U);
    EXPECT_TRUE(connector_->has_pending());
    EXPECT_EQ(connector_->read(buffer.data(), buffer.size()).bytes, 2U);
}

TEST_F(TlsStreamTest, TheEndIsSeenBehindTheLastBytes) {
    start(api::TlsMode::Require, "", "db.example");
    ASSERT_EQ(shake_hands(), TlsStream::Step::Established);
    ASSERT_EQ(acceptor_->write("bye").bytes, 3U);
    acceptor_->shutdown();
    std::array<char, 64> buffer;
    EXPECT_EQ(connector_->read(buffer.data(), buffer.size()).bytes, 3U);
    EXPECT_TRUE(connector_->has_ended());
    EXPECT_EQ(connector_->read(buffer.data(), buffer.size()).kind, Transfer::Kind::Closed);
}

TEST_F(TlsStreamTest, ASocketThatClosesInTheHandshakeIsAFault) {
    start(api::TlsMode::Require, "", "db.example");
    EXPECT_EQ(connector_->handshake(), TlsStream::Step::WantsRead);
    near_.reset();
    EXPECT_EQ(connector_->handshake(), TlsStream::Step::Failed);
    EXPECT_THAT(connector_->error(), HasSubstr("TLS handshake failed"));
}

}  // namespace
}  // namespace penstock::net
