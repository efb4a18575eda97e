// Fixture: both ends of a connection, each with its TLS, over a socket pair.
#pragma once

#include "dataplane/net/tls.hpp"
#include "dataplane/net/unique_fd.hpp"
#include "tests/support/certificates.hpp"
#include "tests/support/temp_dir.hpp"

#include <array>
#include <memory>
#include <string>

#include <gtest/gtest.h>
#include <sys/socket.h>

namespace penstock::test {

class TlsPair : public ::testing::Test {
 protected:
    TlsPair() {
        std::array<int, 2> ends{};
        EXPECT_EQ(
            ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()), 0
        );
        near_ = net::UniqueFd(ends[0]);
        far_ = net::UniqueFd(ends[1]);
    }

    void start(api::TlsMode mode, const std::string& ca_file, const std::string& host) {
        const auto acceptor = net::ClientSideTls::make(certificate_.cert, certificate_.key);
        ASSERT_TRUE(acceptor) << api::to_string(acceptor.error());
        const auto connector = net::ServerSideTls::make(mode, ca_file, host);
        ASSERT_TRUE(connector) << api::to_string(connector.error());
        acceptor_ = (*acceptor)->start(near_.get());
        connector_ = (*connector)->start(far_.get());
        // The contexts may go, as in a reload.
    }
    // The connecting side's last step.
    net::TlsStream::Step shake_hands() {
        net::TlsStream::Step theirs = net::TlsStream::Step::WantsRead;
        for (int turn = 0; turn < 10; ++turn) {
            theirs = connector_->handshake();
            if (theirs == net::TlsStream::Step::Failed) return theirs;
            const net::TlsStream::Step ours = acceptor_->handshake();
            if (ours == net::TlsStream::Step::Established && theirs == ours) break;
        }
        return theirs;
    }

    TempDir folder_;
    Certificate certificate_ = make_certificate(folder_, "server", "db.example");
    Certificate other_ = make_certificate(folder_, "other", "db.example");
    net::UniqueFd near_;
    net::UniqueFd far_;
    std::unique_ptr<net::TlsStream> acceptor_;
    std::unique_ptr<net::TlsStream> connector_;
};

}  // namespace penstock::test
