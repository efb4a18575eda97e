#include "operator/http/server.hpp"

#include <charconv>
#include <chrono>
#include <optional>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

namespace penstock::http {

namespace beast = boost::beast;
namespace beast_http = boost::beast::http;
using boost::asio::ip::tcp;

namespace {

constexpr std::chrono::seconds idle_timeout{60};
constexpr std::uint64_t request_bytes_max = 4 * 1024 * 1024;
constexpr std::string_view bearer = "Bearer ";

api::Result<tcp::endpoint> parse_address(const std::string& address) {
    const auto wrong = [&] {
        return tl::unexpected(api::Error{
            address, "must be ADDRESS:PORT with a numeric address, like 127.0.0.1:9180"});
    };
    const std::size_t colon = address.rfind(':');
    if (colon == std::string::npos) return wrong();
    std::uint16_t port = 0;
    const char* end = address.data() + address.size();
    const auto [stop, fault] = std::from_chars(address.data() + colon + 1, end, port);
    if (fault != std::errc() || stop != end) return wrong();
    std::string host = address.substr(0, colon);
    if (host.size() > 2 && host.front() == '[' && host.back() == ']')
        host = host.substr(1, host.size() - 2);
    boost::system::error_code error;
    const auto ip = boost::asio::ip::make_address(host, error);
    if (error) return wrong();
    return tcp::endpoint(ip, port);
}

}  // namespace

struct Server::State : std::enable_shared_from_this<Server::State> {
    class Session : public std::enable_shared_from_this<Session> {
     public:
        Session(tcp::socket socket, std::shared_ptr<State> server)
            : stream_(std::move(socket)), server_(std::move(server)) {}

        void read() {
            parser_.emplace();
            parser_->body_limit(request_bytes_max);
            stream_.expires_after(idle_timeout);
            beast_http::async_read(
                stream_,
                buffer_,
                *parser_,
                [self = shared_from_this()](beast::error_code error, std::size_t) {
                    if (!error) self->reply();
                }
            );
        }

        void close() { stream_.close(); }

     private:
        void reply() {
            if (!server_->answer) return;
            auto message = parser_->release();
            std::string authorization(message[beast_http::field::authorization]);
            if (authorization.compare(0, bearer.size(), bearer) == 0)
                authorization.erase(0, bearer.size());
            const Reply reply = server_->answer(
                {std::string(message.method_string()),
                 std::string(message.target()),
                 authorization,
                 message.body()}
            );
            response_ = {};
            response_.version(11);
            response_.result(static_cast<unsigned>(reply.status));
            response_.set(beast_http::field::content_type, reply.content_type);
            response_.keep_alive(message.keep_alive());
            response_.body() = reply.body;
            response_.prepare_payload();
            beast_http::async_write(
                stream_,
                response_,
                [self = shared_from_this()](beast::error_code error, std::size_t) {
                    if (error || !self->response_.keep_alive()) return self->close();
                    self->read();
                }
            );
        }

        beast::tcp_stream stream_;
        beast::flat_buffer buffer_;
        std::optional<beast_http::request_parser<beast_http::string_body>> parser_;
        beast_http::response<beast_http::string_body> response_;
        const std::shared_ptr<State> server_;
    };

    State(boost::asio::io_context& io, Answer how) : acceptor(io), answer(std::move(how)) {}

    void accept() {
        acceptor.async_accept([self = shared_from_this(
                               )](beast::error_code error, tcp::socket socket) {
            if (error == boost::asio::error::operation_aborted) return;
            if (!error) {
                auto session = std::make_shared<Session>(std::move(socket), self);
                std::erase_if(self->sessions, [](const auto& weak) { return weak.expired(); });
                self->sessions.push_back(session);
                session->read();
            }
            self->accept();
        });
    }

    void drop() {
        for (const auto& weak : sessions) {
            if (const auto session = weak.lock()) session->close();
        }
        sessions.clear();
    }

    tcp::acceptor acceptor;
    Answer answer;  // empty once the server is gone
    std::vector<std::weak_ptr<Session>> sessions;
};

api::Result<std::unique_ptr<Server>> Server::listen(
    boost::asio::io_context& io, const std::string& address, Answer answer
) {
    const auto endpoint = parse_address(address);
    if (!endpoint) return tl::unexpected(endpoint.error());
    auto state = std::make_shared<State>(io, std::move(answer));
    boost::system::error_code error;
    state->acceptor.open(endpoint->protocol(), error);
    if (!error) state->acceptor.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) state->acceptor.bind(*endpoint, error);
    if (!error) state->acceptor.listen(boost::asio::socket_base::max_listen_connections, error);
    if (error) return tl::unexpected(api::Error{address, "cannot listen: " + error.message()});
    state->accept();
    return std::unique_ptr<Server>(new Server(std::move(state)));
}

Server::Server(std::shared_ptr<State> state) : state_(std::move(state)) {}

Server::~Server() {
    boost::system::error_code ignored;
    state_->acceptor.close(ignored);
    state_->drop();
    state_->answer = nullptr;
}

std::uint16_t Server::port() const { return state_->acceptor.local_endpoint().port(); }

void Server::drop_connections() { state_->drop(); }

}  // namespace penstock::http
