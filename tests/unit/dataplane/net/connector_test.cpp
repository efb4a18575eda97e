#include "dataplane/net/connector.hpp"

#include "dataplane/net/unique_fd.hpp"

#include <gmock/gmock.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

namespace penstock::net {
namespace {

using boost::asio::ip::make_address;
using ::testing::HasSubstr;

class ResolverTest : public ::testing::Test {
 protected:
    static constexpr Resolver::TimePoint start{};

    // All lookups that were asked for, and what they found told.
    void look_up() {
        lookups_.run();
        mailbox_->run();
    }

    boost::asio::io_context lookups_;
    const std::shared_ptr<Mailbox> mailbox_ = std::make_shared<Mailbox>();
    Resolver resolver_{lookups_, mailbox_};
};

TEST_F(ResolverTest, ANumericHostIsAlwaysKnown) {
    const auto four = resolver_.known("10.1.2.3", 5432, start);
    ASSERT_TRUE(four);
    EXPECT_EQ(four->front(), Addresses::value_type(make_address("10.1.2.3"), 5432));
    const auto six = resolver_.known("::1", 5433, start + std::chrono::hours(1));
    ASSERT_TRUE(six);
    EXPECT_EQ(six->front(), Addresses::value_type(make_address("::1"), 5433));
}

TEST_F(ResolverTest, ANameIsKnownForAWhileOnceResolved) {
    EXPECT_FALSE(resolver_.known("localhost", 1, start));
    int answers = 0;
    const auto count = [&](const auto& addresses, const std::string& fault) {
        EXPECT_TRUE(addresses) << fault;
        ++answers;
    };
    resolver_.resolve("localhost", 1, count);
    resolver_.resolve("localhost", 1, count);
    resolver_.resolve("localhost", 2, count);
    EXPECT_EQ(answers, 0);
    look_up();
    EXPECT_EQ(answers, 3);
    const auto now = std::chrono::steady_clock::now();
    const bool knows_one = resolver_.known("localhost", 1, now) != nullptr;
    const bool knows_two = resolver_.known("localhost", 2, now) != nullptr;
    EXPECT_TRUE(knows_one || knows_two);
    EXPECT_FALSE(resolver_.known("localhost", 1, now + std::chrono::minutes(1)));
}

TEST_F(ResolverTest, ANameThatDoesNotExistIsAFault) {
    std::string said;
    resolver_.resolve("no-such-host.invalid", 1, [&](const auto& addresses, const auto& fault) {
        EXPECT_FALSE(addresses);
        said = fault;
    });
    look_up();
    EXPECT_THAT(said, HasSubstr("no-such-host.invalid"));
}

// Whoever asked may be gone before the name is found.
TEST(Resolver, MayEndDuringALookup) {
    boost::asio::io_context lookups;
    const auto mailbox = std::make_shared<Mailbox>();
    std::optional<Resolver> resolver(std::in_place, lookups, mailbox);
    bool told = false;
    resolver->resolve("localhost", 1, [&](const auto&, const auto&) { told = true; });
    resolver.reset();
    lookups.run();
    EXPECT_FALSE(told);
}

TEST(Connector, SocketsDoNotDelayAndAreKeptAlive) {
    const UniqueFd fd(::socket(AF_INET, SOCK_STREAM, 0));
    TcpOptions options;
    options.keepalive_idle = std::chrono::seconds(77);
    options.user_timeout = std::chrono::seconds(33);
    set_socket_options(fd.get(), options);
    int value = 0;
    socklen_t size = sizeof value;
    ::getsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &value, &size);
    EXPECT_NE(value, 0);
    ::getsockopt(fd.get(), SOL_SOCKET, SO_KEEPALIVE, &value, &size);
    EXPECT_NE(value, 0);
    ::getsockopt(fd.get(), IPPROTO_TCP, TCP_KEEPIDLE, &value, &size);
    EXPECT_EQ(value, 77);
    ::getsockopt(fd.get(), IPPROTO_TCP, TCP_USER_TIMEOUT, &value, &size);
    EXPECT_EQ(value, 33'000);
}

TEST(Connector, ARefusedConnectSaysSo) {
    // A port that is bound and does not listen refuses.
    const UniqueFd bound(::socket(AF_INET, SOCK_STREAM, 0));
    boost::asio::ip::tcp::endpoint address(boost::asio::ip::address_v4::loopback(), 0);
    auto size = static_cast<socklen_t>(address.size());
    ASSERT_EQ(::bind(bound.get(), address.data(), size), 0);
    ASSERT_EQ(::getsockname(bound.get(), address.data(), &size), 0);

    const Connecting connecting = begin_connect(address, {});
    const UniqueFd fd(connecting.fd);
    std::string fault = connecting.fault;
    if (fd.is_set()) {
        pollfd ready{fd.get(), POLLOUT, 0};
        ASSERT_EQ(::poll(&ready, 1, 10'000), 1);
        fault = connect_fault(fd.get());
    }
    EXPECT_THAT(fault, HasSubstr("refused"));
    ConnectAttempt attempt{std::make_shared<Addresses>(Addresses{address, address}), 0, {}};
    attempt.next = 1;
    attempt.note("first");
    attempt.next = 2;
    attempt.note("second");
    EXPECT_THAT(attempt.faults, HasSubstr(": first; 127.0.0.1:"));
}

}  // namespace
}  // namespace penstock::net
