#include "dataplane/net/admin_server.hpp"

#include <thread>
#include <vector>

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <gmock/gmock.h>

namespace penstock::net {
namespace {

using boost::asio::ip::tcp;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class AdminServerTest : public ::testing::Test {
 protected:
    AdminServerTest() {
        const auto port = server_.open("127.0.0.1", 0);
        EXPECT_TRUE(port) << api::to_string(port.error());
        port_ = *port;
        thread_ = std::thread([this] { context_.run(); });
    }
    ~AdminServerTest() override {
        context_.stop();
        thread_.join();
    }

    tcp::socket connect() {
        tcp::socket socket(mine_);
        socket.connect({boost::asio::ip::address_v4::loopback(), port_});
        return socket;
    }
    // Everything until the server closes.
    static std::string exchange(tcp::socket& socket, const std::string& request) {
        boost::asio::write(socket, boost::asio::buffer(request));
        std::string answer;
        boost::system::error_code end;
        boost::asio::read(socket, boost::asio::dynamic_buffer(answer), end);
        return answer;
    }

    boost::asio::io_context context_;
    boost::asio::io_context mine_;
    AdminServer server_{context_, [](const AdminRequest& request) {
                            const AdminPages pages{
                                .why_not_ready = [] { return std::string(); },
                                .metrics = [] { return std::string("m 1\n"); },
                                .report = [] { return api::Report(); },
                                .take_grant = [](const api::Grant&) { return true; },
                                .token = [] { return std::string("t"); },
                            };
                            return answer(request, pages, Door::All);
                        }};
    std::uint16_t port_ = 0;
    std::thread thread_;
};

TEST_F(AdminServerTest, ServesRequestsOneAfterTheOtherOnOneConnection) {
    tcp::socket socket = connect();
    const std::string answer = exchange(
        socket,
        "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
        "HEAD /metrics HTTP/1.1\r\nHost: x\r\n\r\n"
        "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    );
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK"));
    EXPECT_THAT(answer, HasSubstr("ok\n"));
    EXPECT_THAT(answer, HasSubstr("\r\n\r\nm 1\n"));
}

TEST_F(AdminServerTest, TakesAGrant) {
    tcp::socket socket = connect();
    const std::string body = R"({"epoch":1,"sequence":1,"serverConnections":3})";
    const std::string answer = exchange(
        socket,
        "PUT /v1/grant HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer t\r\n"
        "Content-Length: " +
            std::to_string(body.size()) + "\r\n\r\n" + body
    );
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK"));
    EXPECT_THAT(answer, HasSubstr("\"proxyId\""));
}

TEST_F(AdminServerTest, ABodyThatIsTooLongIsRefused) {
    tcp::socket socket = connect();
    const std::string answer =
        exchange(socket, "PUT /v1/grant HTTP/1.1\r\nHost: x\r\nContent-Length: 65537\r\n\r\n");
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 413"));
}

TEST_F(AdminServerTest, NoiseEndsTheConnection) {
    tcp::socket socket = connect();
    exchange(socket, std::string("\x16\x03\x01 no HTTP at all\r\n\r\n", 23));
    tcp::socket another = connect();
    EXPECT_THAT(exchange(another, "GET /healthz HTTP/1.0\r\n\r\n"), StartsWith("HTTP/1.1 200 OK"));
}

TEST_F(AdminServerTest, SilentConnectionsKeepNobodyOut) {
    std::vector<tcp::socket> silent;
    for (int i = 0; i < 300; ++i) {
        silent.push_back(connect());
        if (i % 3 == 1) boost::asio::write(silent.back(), boost::asio::buffer("GET /heal", 9));
        if (i % 3 == 2) {
            const std::string whole = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
            boost::asio::write(silent.back(), boost::asio::buffer(whole));
        }
    }
    tcp::socket another = connect();
    EXPECT_THAT(exchange(another, "GET /healthz HTTP/1.0\r\n\r\n"), StartsWith("HTTP/1.1 200 OK"));
    // The one that was silent for longest went for it.
    std::string nothing;
    boost::system::error_code end;
    boost::asio::read(silent.front(), boost::asio::dynamic_buffer(nothing), end);
    EXPECT_EQ(end, boost::asio::error::eof);
    EXPECT_EQ(nothing, "");
}

TEST_F(AdminServerTest, APortInUseIsAFaultThatNamesIt) {
    boost::asio::io_context context;
    AdminServer second(context, {});
    const auto port = second.open("127.0.0.1", port_);
    ASSERT_FALSE(port);
    EXPECT_EQ(port.error().path, "127.0.0.1:" + std::to_string(port_));
    EXPECT_FALSE(AdminServer(context, {}).open("localhost", 0));
}

}  // namespace
}  // namespace penstock::net
