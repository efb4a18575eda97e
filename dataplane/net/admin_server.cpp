#include "dataplane/net/admin_server.hpp"

#include "crds/api/names.hpp"

#include <chrono>
#include <list>
#include <optional>
#include <type_traits>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>

namespace penstock::net {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using boost::system::error_code;
using tcp = asio::ip::tcp;

constexpr std::size_t body_bytes_max = 65'536;
// One more, and the one that has been silent for longest goes: who only holds connections open
// keeps nobody out.
constexpr std::size_t sessions_max = 256;
// For the first request to arrive, and for an answer to leave.
constexpr std::chrono::seconds patience{5};
// Between two requests; above the intervals of scrapers and probes.
constexpr std::chrono::seconds silence_max{120};

}  // namespace

class AdminServer::Listening : public std::enable_shared_from_this<Listening> {
 public:
    Listening(asio::io_context& context, Answer answer)
        : acceptor_(context), answer_(std::move(answer)) {}

    api::Result<std::uint16_t> open(
        const std::string& address, std::uint16_t port, const std::string& field
    ) {
        const auto fault = [&](const std::string& text) {
            return tl::unexpected(api::Error{address + ":" + std::to_string(port), text});
        };
        error_code error;
        const auto ip = asio::ip::make_address(address, error);
        if (error) return fault(field + " must be an IP address");
        const tcp::endpoint endpoint(ip, port);
        acceptor_.open(endpoint.protocol(), error);
        if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
        if (!error) acceptor_.bind(endpoint, error);
        if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
        if (error) return fault("cannot listen: " + error.message());
        accept();
        return acceptor_.local_endpoint().port();
    }
    void close() {
        error_code ignored;
        acceptor_.close(ignored);
    }
    void use_tls() { is_tls_ = true; }
    void set_tls(TlsContext tls) { tls_ = std::move(tls); }

 private:
    struct Connection {
        virtual ~Connection() = default;
        virtual void drop() = 0;
    };
    using Connections = std::list<Connection*>;
    template <class Stream>
    class Session;

    void accept();
    void serve(tcp::socket socket);

    tcp::acceptor acceptor_;
    Answer answer_;
    bool is_tls_ = false;
    TlsContext tls_;           // null: nobody can be let in yet
    Connections connections_;  // by their last request, the oldest first
};

// One connection: requests one after the other. Owned by its pending handler.
template <class Stream>
class AdminServer::Listening::Session final : public Connection,
                                              public std::enable_shared_from_this<Session<Stream>> {
 public:
    static constexpr bool is_tls = !std::is_same_v<Stream, beast::tcp_stream>;

    Session(tcp::socket socket, std::shared_ptr<Listening> listening)
        : tls_(listening->tls_),
          stream_(make_stream(std::move(socket), tls_)),
          listening_(std::move(listening)) {
        place_ = listening_->connections_.insert(listening_->connections_.end(), this);
    }
    ~Session() override { listening_->connections_.erase(place_); }
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    // What it waits for ends with an error, and with it the session.
    void drop() override {
        error_code ignored;
        beast::get_lowest_layer(stream_).socket().close(ignored);
    }

    void start() {
        if constexpr (is_tls) {
            be_patient(patience);
            stream_.async_handshake(
                asio::ssl::stream_base::server,
                [self = this->shared_from_this()](const error_code& error) {
                    if (!error) self->read(patience);
                }
            );
        } else {
            read(patience);
        }
    }

 private:
    static Stream make_stream(tcp::socket socket, const TlsContext& tls) {
        if constexpr (is_tls) {
            return Stream(beast::tcp_stream(std::move(socket)), *tls);
        } else {
            return Stream(std::move(socket));
        }
    }
    void be_patient(std::chrono::seconds time) {
        beast::get_lowest_layer(stream_).expires_after(time);
    }
    void read(std::chrono::seconds time) {
        parser_.emplace();
        parser_->body_limit(body_bytes_max);
        be_patient(time);
        http::async_read(
            stream_,
            buffer_,
            *parser_,
            [self = this->shared_from_this()](const error_code& error, std::size_t) {
                self->respond(error);
            }
        );
    }
    void respond(const error_code& error) {
        // Its certificate was judged by authorities that may no longer count.
        if (tls_ != listening_->tls_) return;
        if (error == http::error::body_limit) {
            write({413, "text/plain; charset=utf-8", "the body is longer than 64 KiB\n"}, false);
            return;
        }
        if (error) return;
        listening_->connections_.splice(
            listening_->connections_.end(), listening_->connections_, place_
        );
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
        write(listening_->answer_(asked), request.keep_alive());
    }
    void write(AdminResponse made, bool keep_alive) {
        response_ = {};
        response_.result(made.status);
        response_.set(http::field::content_type, made.content_type);
        if (made.status == 401) response_.set(http::field::www_authenticate, "Bearer");
        if (!made.identity.empty()) {
            response_.set(
                boost::string_view(api::identity_header.data(), api::identity_header.size()),
                made.identity
            );
        }
        response_.keep_alive(keep_alive);
        const bool is_head = parser_->get().method() == http::verb::head;
        response_.content_length(made.body.size());
        if (!is_head) response_.body() = std::move(made.body);
        be_patient(patience);
        http::async_write(
            stream_,
            response_,
            [self = this->shared_from_this(), keep_alive](const error_code& error, std::size_t) {
                if (error) return;
                if (keep_alive) {
                    self->read(silence_max);
                } else {
                    self->finish();
                }
            }
        );
    }
    void finish() {
        if constexpr (is_tls) {
            be_patient(patience);
            stream_.async_shutdown([self = this->shared_from_this()](const error_code&) {});
        } else {
            error_code ignored;
            stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
        }
    }

    const TlsContext tls_;  // null if it is plain
    Stream stream_;
    std::shared_ptr<Listening> listening_;
    Connections::iterator place_;
    beast::flat_buffer buffer_;
    std::optional<http::request_parser<http::string_body>> parser_;
    http::response<http::string_body> response_;
};

void AdminServer::Listening::accept() {
    acceptor_.async_accept([self =
                                shared_from_this()](const error_code& error, tcp::socket socket) {
        if (!self->acceptor_.is_open()) return;
        if (!error) {
            if (self->connections_.size() >= sessions_max) {
                // It is out of the line at once, gone when its handler has run.
                self->connections_.splice(
                    self->connections_.end(), self->connections_, self->connections_.begin()
                );
                self->connections_.back()->drop();
            }
            self->serve(std::move(socket));
        }
        self->accept();
    });
}

void AdminServer::Listening::serve(tcp::socket socket) {
    if (!is_tls_) {
        std::make_shared<Session<beast::tcp_stream>>(std::move(socket), shared_from_this())
            ->start();
    } else if (tls_) {
        std::make_shared<Session<beast::ssl_stream<beast::tcp_stream>>>(
            std::move(socket), shared_from_this()
        )
            ->start();
    }
}

AdminServer::AdminServer(asio::io_context& context, Answer answer)
    : listening_(std::make_shared<Listening>(context, std::move(answer))) {}

AdminServer::~AdminServer() { listening_->close(); }

api::Result<std::uint16_t> AdminServer::open(const std::string& address, std::uint16_t port) {
    return listening_->open(address, port, "admin.address");
}

api::Result<std::uint16_t> AdminServer::open_tls(const std::string& address, std::uint16_t port) {
    listening_->use_tls();
    return listening_->open(address, port, "admin.grants.address");
}

void AdminServer::set_tls(TlsContext tls) { listening_->set_tls(std::move(tls)); }

}  // namespace penstock::net
