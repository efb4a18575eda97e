#include "operator/http/client.hpp"

#include "crds/api/check.hpp"

#include <optional>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

namespace penstock::http {

namespace beast = boost::beast;
namespace beast_http = boost::beast::http;
using boost::asio::ip::tcp;

namespace {
constexpr std::uint64_t reply_bytes_max = 4 * 1024 * 1024;
}

struct Client::State : std::enable_shared_from_this<Client::State> {
    State(boost::asio::io_context& context, std::uint16_t to, std::chrono::milliseconds limit)
        : io(context), endpoint(boost::asio::ip::address_v4::loopback(), to), timeout(limit) {}

    void start() {
        // A kept connection may have been closed by the other side meanwhile: then a second, new
        // one is tried.
        may_retry = stream.has_value();
        if (stream) {
            stream->expires_after(timeout);
            write();
        } else {
            connect();
        }
    }

    void connect() {
        stream.emplace(io);
        buffer.clear();
        stream->expires_after(timeout);
        stream->async_connect(endpoint, [self = shared_from_this()](beast::error_code error) {
            if (error) return self->failed("cannot connect", error);
            self->write();
        });
    }

    void write() {
        beast_http::async_write(
            *stream,
            request,
            [self = shared_from_this()](beast::error_code error, std::size_t) {
                if (error) return self->failed("cannot send", error);
                self->read();
            }
        );
    }

    void read() {
        parser.emplace();
        parser->body_limit(reply_bytes_max);
        beast_http::async_read(
            *stream,
            buffer,
            *parser,
            [self = shared_from_this()](beast::error_code error, std::size_t) {
                if (error) return self->failed("no reply", error);
                self->done();
            }
        );
    }

    void done() {
        auto reply = parser->release();
        stream->expires_never();
        if (!reply.keep_alive()) stream.reset();
        finish(Reply{
            static_cast<int>(reply.result_int()),
            std::string(reply[beast_http::field::content_type]),
            std::move(reply.body())});
    }

    void failed(const char* what, beast::error_code error) {
        if (!on_reply) return;
        stream.reset();
        if (may_retry && error != beast::error::timeout) {
            may_retry = false;
            return connect();
        }
        finish(tl::unexpected(api::Error{
            "127.0.0.1:" + std::to_string(endpoint.port()),
            std::string(what) + ": " + error.message()}));
    }

    void finish(api::Result<Reply> result) {
        const OnReply handler = std::move(on_reply);
        on_reply = nullptr;
        if (handler) handler(std::move(result));
    }

    boost::asio::io_context& io;
    const tcp::endpoint endpoint;
    const std::chrono::milliseconds timeout;
    std::optional<beast::tcp_stream> stream;  // absent: not connected
    beast::flat_buffer buffer;
    beast_http::request<beast_http::string_body> request;
    std::optional<beast_http::response_parser<beast_http::string_body>> parser;
    OnReply on_reply;  // empty: nothing is being asked
    bool may_retry = false;
};

Client::Client(boost::asio::io_context& io, std::uint16_t port, std::chrono::milliseconds timeout)
    : state_(std::make_shared<State>(io, port, timeout)) {}

Client::~Client() {
    state_->on_reply = nullptr;
    if (state_->stream) state_->stream->close();
}

bool Client::is_busy() const { return static_cast<bool>(state_->on_reply); }

void Client::send(const Request& request, OnReply on_reply) {
    CHECK(!is_busy());
    auto& message = state_->request;
    message = {};
    message.version(11);
    message.method_string(request.method);
    message.target(request.target);
    message.set(beast_http::field::host, "127.0.0.1");
    if (!request.bearer_token.empty())
        message.set(beast_http::field::authorization, "Bearer " + request.bearer_token);
    if (!request.body.empty()) message.set(beast_http::field::content_type, "application/json");
    message.body() = request.body;
    message.prepare_payload();
    state_->on_reply = std::move(on_reply);
    state_->start();
}

}  // namespace penstock::http
