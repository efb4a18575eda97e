#include "operator/http/client.hpp"

#include "operator/http/server.hpp"

#include <optional>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <gmock/gmock.h>

namespace penstock::http {
namespace {

using namespace std::chrono_literals;
using boost::asio::ip::tcp;

Endpoint at(std::uint16_t port) { return {"127.0.0.1", port}; }

class HttpClientTest : public testing::Test {
 protected:
    void serve(const std::string& address = "127.0.0.1:0") {
        server_ =
            Server::listen(io_, address, [this](const Request& request) {
                seen_.push_back(request);
                return Reply{
                    request.target == "/v1/grant" ? 409 : 200, "application/json", "{\"a\":1}"};
            }).value();
    }

    api::Result<Reply> ask(Client& client, const Request& request) {
        std::optional<api::Result<Reply>> result;
        client.send(request, [&](api::Result<Reply> reply) {
            result = std::move(reply);
            io_.stop();
        });
        io_.restart();
        io_.run_for(10s);
        return result.value_or(tl::unexpected(api::Error{"", "nothing came"}));
    }

    boost::asio::io_context io_{1};
    std::unique_ptr<Server> server_;
    std::vector<Request> seen_;
};

TEST_F(HttpClientTest, CarriesMethodTokenAndBodyAndReadsTheReply) {
    serve();
    Client client(io_, at(server_->port()), 1s);
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
    Client client(io_, at(server_->port()), 1s);
    for (int i = 0; i < 20; ++i) EXPECT_TRUE(ask(client, {"GET", "/v1/report", "t", ""}));
    EXPECT_EQ(seen_.size(), 20U);
}

TEST_F(HttpClientTest, KeptConnectionThatWasClosedIsMadeAnew) {
    serve();
    Client client(io_, at(server_->port()), 1s);
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
    Client client(io_, at(port), 1s);
    const auto reply = ask(client, {});
    ASSERT_FALSE(reply);
    EXPECT_EQ(reply.error().path, "127.0.0.1:" + std::to_string(port));
    EXPECT_THAT(reply.error().text, testing::HasSubstr("cannot connect"));
    EXPECT_FALSE(client.is_busy());
}

TEST_F(HttpClientTest, WhatIsNoAddressIsAnError) {
    Client client(io_, {"localhost", 80}, 1s);
    const auto reply = ask(client, {});
    ASSERT_FALSE(reply);
    EXPECT_THAT(api::to_string(reply.error()), testing::HasSubstr("localhost:80: cannot connect"));
}

TEST_F(HttpClientTest, OtherAddressesAreReachedAndNamed) {
    serve("[::1]:0");
    Client client(io_, {"::1", server_->port()}, 1s);
    EXPECT_TRUE(ask(client, {}));
    server_.reset();
    const auto reply = ask(client, {});
    ASSERT_FALSE(reply);
    EXPECT_THAT(reply.error().path, testing::StartsWith("[::1]:"));
}

TEST_F(HttpClientTest, SilentServerTimesOut) {
    tcp::acceptor silent(io_, tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0));
    Client client(io_, at(silent.local_endpoint().port()), 50ms);
    const auto reply = ask(client, {});
    ASSERT_FALSE(reply);
    EXPECT_THAT(reply.error().text, testing::HasSubstr("no reply"));
}

TEST_F(HttpClientTest, DestroyedClientDoesNotCall) {
    serve();
    auto client = std::make_unique<Client>(io_, at(server_->port()), 1s);
    client->send({}, [](api::Result<Reply>) { FAIL(); });
    client.reset();
    io_.run_for(50ms);
}

}  // namespace
}  // namespace penstock::http
