#include "operator/http/client.hpp"

#include "crds/api/check.hpp"
#include "crds/api/names.hpp"

#include <optional>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>

namespace penstock::http {

namespace beast = boost::beast;
namespace beast_http = boost::beast::http;
using boost::asio::ip::tcp;

namespace {
constexpr std::uint64_t reply_bytes_max = 4 * 1024 * 1024;
}

struct Client::State : std::enable_shared_from_this<Client::State> {
    using Secure = beast::ssl_stream<beast::tcp_stream>;

    State(
        boost::asio::io_context& context,
        Endpoint to,
        std::chrono::milliseconds limit,
        std::shared_ptr<const ClientTls> certificate
    )
        : io(context), server(std::move(to)), timeout(limit), tls(std::move(certificate)) {}

    bool is_connected() const { return plain || secure; }
    beast::tcp_stream& transport() { return secure ? secure->next_layer() : *plain; }
    void be_patient() { transport().expires_after(timeout); }
    void drop() {
        plain.reset();
        secure.reset();
    }

    void start() {
        // A kept connection may have been closed by the other side meanwhile: then a second, new
        // one is tried.
        may_retry = is_connected();
        if (may_retry) {
            write();
        } else {
            connect();
        }
    }

    void connect() {
        boost::system::error_code wrong;
        const auto address = boost::asio::ip::make_address(server.address, wrong);
        if (wrong) {
            return boost::asio::post(io, [self = shared_from_this(), wrong] {
                self->failed("cannot connect", wrong);
            });
        }
        drop();
        buffer.clear();
        if (tls) {
            secure.emplace(io, tls->context());
        } else {
            plain.emplace(io);
        }
        be_patient();
        transport().async_connect(
            tcp::endpoint(address, server.port),
            [self = shared_from_this()](beast::error_code error) {
                if (error) return self->failed("cannot connect", error);
                self->tls ? self->shake_hands() : self->write();
            }
        );
    }

    void shake_hands() {
        be_patient();
        secure->async_handshake(
            boost::asio::ssl::stream_base::client,
            [self = shared_from_this()](beast::error_code error) {
                if (error) return self->failed("no TLS", error);
                self->write();
            }
        );
    }

    void write() {
        be_patient();
        auto then = [self = shared_from_this()](beast::error_code error, std::size_t) {
            if (error) return self->failed("cannot send", error);
            self->read();
        };
        if (secure) {
            beast_http::async_write(*secure, request, std::move(then));
        } else {
            beast_http::async_write(*plain, request, std::move(then));
        }
    }

    void read() {
        parser.emplace();
        parser->body_limit(reply_bytes_max);
        auto then = [self = shared_from_this()](beast::error_code error, std::size_t) {
            if (error) return self->failed("no reply", error);
            self->done();
        };
        if (secure) {
            beast_http::async_read(*secure, buffer, *parser, std::move(then));
        } else {
            beast_http::async_read(*plain, buffer, *parser, std::move(then));
        }
    }

    void done() {
        auto reply = parser->release();
        transport().expires_never();
        if (!reply.keep_alive()) drop();
        const auto header = [&](std::string_view name) {
            return std::string(reply[boost::string_view(name.data(), name.size())]);
        };
        const auto status = static_cast<int>(reply.result_int());
        std::string type = header("Content-Type");
        std::string identity = header(api::identity_header);
        finish(Reply{status, std::move(type), std::move(reply.body()), std::move(identity)});
    }

    void failed(const char* what, beast::error_code error) {
        if (!on_reply) return;
        drop();
        if (may_retry && error != beast::error::timeout) {
            may_retry = false;
            return connect();
        }
        finish(tl::unexpected(api::Error{
            to_string(server), std::string(what) + ": " + error.message()}));
    }

    void finish(api::Result<Reply> result) {
        const OnReply handler = std::move(on_reply);
        on_reply = nullptr;
        if (handler) handler(std::move(result));
    }

    boost::asio::io_context& io;
    const Endpoint server;
    const std::chrono::milliseconds timeout;
    const std::shared_ptr<const ClientTls> tls;
    std::optional<beast::tcp_stream> plain;  // both absent: not connected
    std::optional<Secure> secure;
    beast::flat_buffer buffer;
    beast_http::request<beast_http::string_body> request;
    std::optional<beast_http::response_parser<beast_http::string_body>> parser;
    OnReply on_reply;  // empty: nothing is being asked
    bool may_retry = false;
};

Client::Client(
    boost::asio::io_context& io,
    Endpoint server,
    std::chrono::milliseconds timeout,
    std::shared_ptr<const ClientTls> tls
)
    : state_(std::make_shared<State>(io, std::move(server), timeout, std::move(tls))) {}

Client::~Client() {
    state_->on_reply = nullptr;
    if (state_->is_connected()) state_->transport().close();
}

bool Client::is_busy() const { return static_cast<bool>(state_->on_reply); }

void Client::send(const Request& request, OnReply on_reply) {
    CHECK(!is_busy());
    auto& message = state_->request;
    message = {};
    message.version(11);
    message.method_string(request.method);
    message.target(request.target);
    message.set(beast_http::field::host, to_string(state_->server));
    if (!request.bearer_token.empty())
        message.set(beast_http::field::authorization, "Bearer " + request.bearer_token);
    if (!request.body.empty()) message.set(beast_http::field::content_type, "application/json");
    message.body() = request.body;
    message.prepare_payload();
    state_->on_reply = std::move(on_reply);
    state_->start();
}

}  // namespace penstock::http
