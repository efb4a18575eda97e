#include "operator/http/exchange.hpp"

#include "crds/api/document.hpp"
#include "crds/api/encode.hpp"
#include "operator/http/key_ring.hpp"
#include "operator/http/server.hpp"

#include <optional>
#include <thread>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>
#include <gmock/gmock.h>

namespace penstock::http {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

class ExchangeTest : public ::testing::Test {
 protected:
    Reply answer(const Request& request) {
        seen_.push_back(request);
        if (request.method == "PUT") return {put_status_, "application/json", body_};
        return {status_, "application/json", body_};
    }
    template <class Start>
    api::Result<api::Report> result_of(Start&& start) {
        std::optional<api::Result<api::Report>> result;
        start([&](api::Result<api::Report> report) {
            result = std::move(report);
            io_.stop();
        });
        io_.restart();
        io_.run_for(10s);
        return result.value_or(tl::unexpected(api::Error{"", "nothing came"}));
    }
    api::Result<api::Report> ask() {
        return result_of([&](auto handler) { exchange_.ask(handler); });
    }
    static std::string report_of(const std::string& id) {
        api::Report report;
        report.proxy_id = id;
        return api::to_json_text(api::encode(report));
    }
    std::string fault_of_ask() {
        const auto report = ask();
        return report ? "none" : api::to_string(report.error());
    }

    boost::asio::io_context io_{1};
    std::string body_ = report_of("p-1");
    int status_ = 200;
    int put_status_ = 200;
    std::vector<Request> seen_;
    std::unique_ptr<Server> server_ =
        Server::listen(io_, "127.0.0.1:0", [this](const Request& request) {
            return answer(request);
        }).value();
    Exchange exchange_{io_, on_this_host(server_->port(), "secret"), 1s};
};

TEST_F(ExchangeTest, AsksWithTheTokenAndReadsTheReport) {
    EXPECT_EQ(ask().value().proxy_id, "p-1");
    ASSERT_EQ(seen_.size(), 1U);
    EXPECT_EQ(seen_[0].target, "/v1/report");
    EXPECT_EQ(seen_[0].bearer_token, "secret");
}

TEST_F(ExchangeTest, AGrantIsPutAndAfterARefusalTheReportIsAsked) {
    const api::Grant grant{1, 2, 3, std::nullopt};
    const auto push = [&](auto handler) { exchange_.push(grant, handler); };
    EXPECT_TRUE(result_of(push));
    put_status_ = 409;
    EXPECT_EQ(result_of(push).value().proxy_id, "p-1");
    ASSERT_EQ(seen_.size(), 3U);
    EXPECT_EQ(seen_[0].method, "PUT");
    EXPECT_THAT(seen_[0].body, HasSubstr("\"serverConnections\":3"));
    EXPECT_EQ(seen_[2].method, "GET");
}

TEST_F(ExchangeTest, FaultsAreInWords) {
    status_ = 401;
    EXPECT_THAT(fault_of_ask(), HasSubstr("refuses our token"));
    status_ = 500;
    EXPECT_THAT(fault_of_ask(), HasSubstr("status 500"));
    status_ = 200;
    body_ = "<html>";
    EXPECT_THAT(fault_of_ask(), HasSubstr("no JSON"));
    body_ = R"({"proxyId":7})";
    EXPECT_THAT(fault_of_ask(), HasSubstr("proxyId"));
    server_.reset();
    EXPECT_THAT(fault_of_ask(), HasSubstr("cannot connect"));
}

TEST_F(ExchangeTest, SaysWhetherItIsReady) {
    std::vector<bool> answers;
    for (const int status : {200, 503}) {
        status_ = status;
        exchange_.ask_if_ready([&](bool is_ready) {
            answers.push_back(is_ready);
            io_.stop();
        });
        io_.restart();
        io_.run_for(10s);
    }
    EXPECT_THAT(answers, ::testing::ElementsAre(true, false));
}

TEST_F(ExchangeTest, WithoutTheProofThatIsAskedForThereIsNoReport) {
    Exchange strict(
        io_,
        {{"127.0.0.1", server_->port()},
         "",
         nullptr,
         [](const std::string&) -> api::Result<void> { return {}; }},
        1s
    );
    const auto report = result_of([&](auto handler) { strict.ask(handler); });
    ASSERT_FALSE(report);
    EXPECT_THAT(api::to_string(report.error()), HasSubstr("does not show who it is"));
}

// A proxy's grants port for one connection: it gives its token to who has a certificate.
TEST_F(ExchangeTest, OverTlsBothSidesKnowEachOther) {
    namespace ssl = boost::asio::ssl;
    using boost::asio::ip::tcp;
    const WallTime now = std::chrono::system_clock::now();
    const CertifiedKey authority = make_authority(now, 24h).value();
    const CertifiedKey client = mint_client(authority, now, 24h).value();
    boost::asio::io_context theirs;
    ssl::context tls(ssl::context::tls_server);
    tls.use_certificate_chain(boost::asio::buffer(authority.certificate));
    tls.use_private_key(boost::asio::buffer(authority.key), ssl::context::pem);
    tls.add_certificate_authority(boost::asio::buffer(authority.certificate));
    tls.set_verify_mode(ssl::verify_peer | ssl::verify_fail_if_no_peer_cert);
    tcp::acceptor acceptor(theirs, {boost::asio::ip::address_v4::loopback(), 0});
    const std::uint16_t port = acceptor.local_endpoint().port();
    const auto serve_two = [&] {
        ssl::stream<tcp::socket> stream(theirs, tls);
        acceptor.accept(stream.next_layer());
        stream.handshake(ssl::stream_base::server);
        std::string asked;
        for (int i = 0; i < 2; ++i) {
            const std::size_t size =
                boost::asio::read_until(stream, boost::asio::dynamic_buffer(asked), "\r\n\r\n");
            asked.erase(0, size);
            const std::string text =
                "HTTP/1.1 200 OK\r\nPenstock-Identity: the.token\r\n"
                "Content-Length: " +
                std::to_string(body_.size()) + "\r\n\r\n" + body_;
            boost::asio::write(stream, boost::asio::buffer(text));
        }
    };
    std::thread thread(serve_two);
    std::vector<std::string> shown;
    const auto judge = [&](const std::string& identity) -> api::Result<void> {
        shown.push_back(identity);
        if (shown.size() == 1) return {};
        return tl::unexpected(api::Error{"token", "has expired"});
    };
    Exchange exchange(
        io_,
        {{"127.0.0.1", port}, "", ClientTls::make(client.certificate, client.key).value(), judge},
        5s
    );
    const auto ask_it = [&](auto handler) { exchange.ask(handler); };
    const auto first = result_of(ask_it);
    EXPECT_TRUE(first) << api::to_string(first.error());
    const auto second = result_of(ask_it);
    thread.join();
    ASSERT_FALSE(second);
    EXPECT_THAT(
        api::to_string(second.error()), HasSubstr("not who it should be: token: has expired")
    );
    EXPECT_THAT(shown, ::testing::ElementsAre("the.token", "the.token"));
}

}  // namespace
}  // namespace penstock::http
