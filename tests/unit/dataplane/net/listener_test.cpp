#include "dataplane/net/listener.hpp"

#include "tests/support/idle_workers.hpp"
#include "tests/support/messages.hpp"
#include "tests/support/running_proxy.hpp"

#include <array>
#include <vector>

#include <gmock/gmock.h>
#include <sys/resource.h>
#include <sys/socket.h>

namespace penstock::net {
namespace {

using ::testing::HasSubstr;

TEST(Listener, APortThatIsTakenIsNamed) {
    boost::asio::io_context context;
    const boost::asio::ip::tcp::acceptor other(
        context, {boost::asio::ip::address_v4::loopback(), 0}
    );
    const std::uint16_t port = other.local_endpoint().port();
    test::IdleWorkers workers(1);
    const auto bound = workers->listen("127.0.0.1", port);
    ASSERT_FALSE(bound);
    EXPECT_EQ(bound.error().path, "127.0.0.1:" + std::to_string(port));
    EXPECT_THAT(bound.error().text, HasSubstr("in use"));
}

TEST(Listener, ANameIsNoAddress) {
    test::IdleWorkers workers(1);
    const auto bound = workers->listen("localhost", 0);
    ASSERT_FALSE(bound);
    EXPECT_EQ(bound.error().text, "listen.address must be an IP address");
}

// Clients for whom there is no descriptor are told so instead of being left hanging.
TEST(Listener, WithoutDescriptorsClientsAreRefusedAndLaterServedAgain) {
    const test::ThrowawayPostgres postgres;
    test::RunningProxy proxy(
        postgres.port(), std::string(test::RunningProxy::default_clients) + "workers: 1\n"
    );
    spdlog::set_level(spdlog::level::off);
    ASSERT_TRUE(proxy.connect().ask("SELECT 1").ok);
    const UniqueFd client(::socket(AF_INET, SOCK_STREAM, 0));
    rlimit before{};
    ::getrlimit(RLIMIT_NOFILE, &before);
    const rlimit few{300, before.rlim_max};
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
    std::vector<UniqueFd> fillers;
    for (int fd = ::dup(0); fd >= 0; fd = ::dup(0)) fillers.emplace_back(fd);

    const boost::asio::ip::tcp::endpoint address(
        boost::asio::ip::address_v4::loopback(), proxy.control().client_port()
    );
    ASSERT_EQ(::connect(client.get(), address.data(), static_cast<socklen_t>(address.size())), 0);
    std::string answer;
    std::array<char, 1'024> buffer;
    for (ssize_t got = 1; got > 0;) {
        got = ::recv(client.get(), buffer.data(), buffer.size(), 0);
        if (got > 0) answer.append(buffer.data(), static_cast<std::size_t>(got));
    }
    EXPECT_THAT(test::types(answer), "E");
    EXPECT_THAT(answer, HasSubstr("C53300"));

    fillers.clear();
    ::setrlimit(RLIMIT_NOFILE, &before);
    EXPECT_TRUE(proxy.connect().ask("SELECT 1").ok);
}

}  // namespace
}  // namespace penstock::net
