#include "operator/host/http_client.hpp"

#include "operator/host/http_server.hpp"

#include <optional>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <gmock/gmock.h>

namespace penstock::host {
namespace {

using namespace std::chrono_literals;
using boost::asio::ip::tcp;

class HttpClientTest : public testing::Test {
 protected:
    void serve(const std::string& address = "127.0.0.1:0") {
        server_ =
            HttpServer::listen(io_, address, [this](const HttpRequest& request) {
                seen_.push_back(request);
                return HttpReply{
                    request.target == "/v1/grant" ? 409 : 200, "application/json", "{\"a\":1}"};
            }).value();
    }

    api::Result<HttpReply> ask(HttpClient& client, const HttpRequest& request) {
        std::optional<api::Result<HttpReply>> result;
        client.send(request, [&](api::Result<HttpReply> reply) {
            result = std::move(reply);
            io_.stop();
        });
        io_.restart();
        io_.run_for(10s);
        return result.value_or(tl::unexpected(api::Error{"", "nothing came"}));
    }

    boost::asio::io_context io_{1};
    std::unique_ptr<HttpServer> server_;
    std::vector<HttpRequest> seen_;
};

TEST_F(HttpClientTest, CarriesMethodTokenAndBodyAndReadsTheReply) {
    serve();
    HttpClient client(io_, server_->port(), 1s);
    const auto reply = ask(client, {"PUT", "/v1/grant", "secret", "{}"});
    ASSERT_TRUE(reply) << api::to_string(reply.error());
    EXPECT_EQ(reply->status, 409);
    EXPECT_EQ(reply->body, "{\"a\":1}");
    ASSERT_EQ(seen_.size(), 1U);
    EXPECT_EQ(seen_[0].method, "PUT");
    EXPECT_EQ(seen_[0].bearer_token, "secret");
    EXPECT_EQ(seen_[0].body, "{}");
}

TEST_F(HttpClientTest, OneConnectionCarriesManyRequests) {
    serve();
    HttpClient client(io_, server_->port(), 1s);
    for (int i = 0; i < 20; ++i) EXPECT_TRUE(ask(client, {"GET", "/v1/report", "t", ""}));
    EXPECT_EQ(seen_.size(), 20U);
}

TEST_F(HttpClientTest, KeptConnectionThatWasClosedIsMadeAnew) {
    serve();
    HttpClient client(io_, server_->port(), 1s);
    ASSERT_TRUE(ask(client, {}));
    server_->drop_connections();
    const auto reply = ask(client, {});
    EXPECT_TRUE(reply) << api::to_string(reply.error());
    EXPECT_EQ(seen_.size(), 2U);
}

TEST_F(HttpClientTest, NobodyListeningIsAnErrorThatNamesThePort) {
    serve();
    const std::uint16_t port = server_->port();
    server_.reset();
    HttpClient client(io_, port, 1s);
    const auto reply = ask(client, {});
    ASSERT_FALSE(reply);
    EXPECT_EQ(reply.error().path, "127.0.0.1:" + std::to_string(port));
    EXPECT_THAT(reply.error().text, testing::HasSubstr("cannot connect"));
    EXPECT_FALSE(client.is_busy());
}

TEST_F(HttpClientTest, SilentServerTimesOut) {
    tcp::acceptor silent(io_, tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0));
    HttpClient client(io_, silent.local_endpoint().port(), 50ms);
    const auto reply = ask(client, {});
    ASSERT_FALSE(reply);
    EXPECT_THAT(reply.error().text, testing::HasSubstr("no reply"));
}

TEST_F(HttpClientTest, DestroyedClientDoesNotCall) {
    serve();
    auto client = std::make_unique<HttpClient>(io_, server_->port(), 1s);
    client->send({}, [](api::Result<HttpReply>) { FAIL(); });
    client.reset();
    io_.run_for(50ms);
}

}  // namespace
}  // namespace penstock::host
