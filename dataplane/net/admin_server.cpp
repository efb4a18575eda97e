#include "dataplane/net/admin_server.hpp"

#include <chrono>
#include <optional>

#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

namespace penstock::net {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using boost::system::error_code;
using tcp = asio::ip::tcp;

constexpr std::size_t body_bytes_max = 65'536;
constexpr int sessions_max = 64;
// For a request to arrive, an answer to leave, and a connection to stay silent.
constexpr std::chrono::seconds patience{30};

}  // namespace

class AdminServer::Listening : public std::enable_shared_from_this<Listening> {
 public:
    Listening(asio::io_context& context, AdminPages pages)
        : acceptor_(context), pages_(std::move(pages)) {}

    api::Result<std::uint16_t> open(const std::string& address, std::uint16_t port) {
        const auto fault = [&](const std::string& text) {
            return tl::unexpected(api::Error{address + ":" + std::to_string(port), text});
        };
        error_code error;
        const auto ip = asio::ip::make_address(address, error);
        if (error) return fault("admin.address must be an IP address");
        const tcp::endpoint endpoint(ip, port);
        acceptor_.open(endpoint.protocol(), error);
        if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
        if (!error) acceptor_.bind(endpoint, error);
        if (!error) acceptor_.listen(sessions_max, error);
        if (error) return fault("cannot listen: " + error.message());
        accept();
        return acceptor_.local_endpoint().port();
    }
    void close() {
        error_code ignored;
        acceptor_.close(ignored);
    }

 private:
    class Session;

    void accept();

    tcp::acceptor acceptor_;
    AdminPages pages_;
    int sessions_ = 0;
};

// One connection: requests one after the other. Owned by its pending handler.
class AdminServer::Listening::Session : public std::enable_shared_from_this<Session> {
 public:
    Session(tcp::socket socket, std::shared_ptr<Listening> listening)
        : stream_(std::move(socket)), listening_(std::move(listening)) {
        ++listening_->sessions_;
    }
    ~Session() { --listening_->sessions_; }

    void read() {
        parser_.emplace();
        parser_->body_limit(body_bytes_max);
        stream_.expires_after(patience);
        http::async_read(
            stream_,
            buffer_,
            *parser_,
            [self = shared_from_this()](const error_code& error, std::size_t) {
                self->respond(error);
            }
        );
    }

 private:
    void respond(const error_code& error) {
        if (error == http::error::body_limit) {
            write({413, "text/plain; charset=utf-8", "the body is longer than 64 KiB\n"}, false);
            return;
        }
        if (error) return;
        const auto& request = parser_->get();
        const auto view = [](boost::string_view text) {
            return std::string_view(text.data(), text.size());
        };
        const AdminRequest asked{
            view(request.method_string()),
            view(request.target()),
            view(request[http::field::authorization]),
            request.body(),
        };
        write(answer(asked, listening_->pages_), request.keep_alive());
    }
    void write(AdminResponse made, bool keep_alive) {
        response_ = {};
        response_.result(made.status);
        response_.set(http::field::content_type, made.content_type);
        if (made.status == 401) response_.set(http::field::www_authenticate, "Bearer");
        response_.keep_alive(keep_alive);
        const bool is_head = parser_->get().method() == http::verb::head;
        response_.content_length(made.body.size());
        if (!is_head) response_.body() = std::move(made.body);
        stream_.expires_after(patience);
        http::async_write(
            stream_,
            response_,
            [self = shared_from_this(), keep_alive](const error_code& error, std::size_t) {
                if (error) return;
                if (keep_alive) {
                    self->read();
                } else {
                    error_code ignored;
                    self->stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
                }
            }
        );
    }

    beast::tcp_stream stream_;
    std::shared_ptr<Listening> listening_;
    beast::flat_buffer buffer_;
    std::optional<http::request_parser<http::string_body>> parser_;
    http::response<http::string_body> response_;
};

void AdminServer::Listening::accept() {
    acceptor_.async_accept([self =
                                shared_from_this()](const error_code& error, tcp::socket socket) {
        if (!self->acceptor_.is_open()) return;
        if (!error && self->sessions_ < sessions_max) {
            std::make_shared<Session>(std::move(socket), self)->read();
        }
        self->accept();
    });
}

AdminServer::AdminServer(asio::io_context& context, AdminPages pages)
    : listening_(std::make_shared<Listening>(context, std::move(pages))) {}

AdminServer::~AdminServer() { listening_->close(); }

api::Result<std::uint16_t> AdminServer::open(const std::string& address, std::uint16_t port) {
    return listening_->open(address, port);
}

}  // namespace penstock::net
