#include "dataplane/net/listener.hpp"

#include "dataplane/net/connector.hpp"
#include "dataplane/net/worker.hpp"
#include "dataplane/wire/error_response.hpp"

#include <array>
#include <cerrno>
#include <cstring>

#include <boost/asio/ip/tcp.hpp>
#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>

namespace penstock::net {
namespace {

constexpr int backlog = 4'096;

// Links that exist are served between two batches of new ones.
constexpr int batch_max = 64;

// How long to leave new clients in the kernel when this process has no room for them.
constexpr std::chrono::milliseconds pause_time{100};

UniqueFd open_spare() { return UniqueFd(::open("/dev/null", O_RDONLY | O_CLOEXEC)); }

void refuse(UniqueFd client) {
    std::string message;
    wire::write_error(
        message,
        {wire::Severity::Fatal,
         wire::sql_state::too_many_connections,
         "sorry, too many clients already",
         "The pooler has no file descriptor left.",
         "Raise the pooler's limit of open files (ulimit -n)."}
    );
    ::send(client.get(), message.data(), message.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    ::shutdown(client.get(), SHUT_WR);
    std::array<char, 1'024> unread;
    while (::recv(client.get(), unread.data(), unread.size(), MSG_DONTWAIT) > 0) continue;
}

}  // namespace

api::Result<std::uint16_t> Listener::open(
    const std::string& address, std::uint16_t port, const TcpOptions& options
) {
    const std::string place = address + ":" + std::to_string(port);
    const auto fault = [&place](const std::string& text) {
        return tl::unexpected(api::Error{place, text});
    };
    boost::system::error_code error;
    const auto parsed = boost::asio::ip::make_address(address, error);
    if (error) return fault("listen.address must be an IP address");
    const boost::asio::ip::tcp::endpoint endpoint(parsed, port);

    UniqueFd fd(::socket(endpoint.data()->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)
    );
    if (!fd.is_set()) return fault(std::string("cannot make a socket: ") + std::strerror(errno));
    const int on = 1;
    ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    // Accepted sockets inherit these.
    set_socket_options(fd.get(), options);
    if (::bind(fd.get(), endpoint.data(), static_cast<socklen_t>(endpoint.size())) < 0 ||
        ::listen(fd.get(), backlog) < 0) {
        return fault(std::string("cannot listen: ") + std::strerror(errno));
    }
    boost::asio::ip::tcp::endpoint bound;
    auto size = static_cast<socklen_t>(bound.capacity());
    ::getsockname(fd.get(), bound.data(), &size);
    socket_ = std::move(fd);
    spare_ = open_spare();
    return bound.port();
}

void Listener::set_options(const TcpOptions& options) {
    if (socket_.is_set()) set_socket_options(socket_.get(), options);
}

void Listener::start() {
    resume_at_ = TimePoint::max();
    if (!socket_.is_set() || poller_.add(socket_.get(), this, Poller::input)) return;
    resume_at_ = std::chrono::steady_clock::now() + pause_time;
}

void Listener::stop() {
    if (!socket_.is_set()) return;
    while (accept_one() == Accepted::Client) continue;
    socket_.reset();
    resume_at_ = TimePoint::max();
}

Listener::Accepted Listener::accept_one() {
    UniqueFd client(::accept4(socket_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (client.is_set()) {
        worker_.accepted(std::move(client));
        return Accepted::Client;
    }
    switch (errno) {
        case EMFILE:
        case ENFILE:
        case ENOBUFS:
        case ENOMEM:
            return Accepted::OutOfDescriptors;
        case ECONNABORTED:
        case EINTR:
        case EPROTO:
            return Accepted::Client;  // it went away again; the next one may be there
        default:
            return Accepted::Nobody;
    }
}

void Listener::accept_batch() {
    for (int i = 0; i < batch_max; ++i) {
        const Accepted accepted = accept_one();
        if (accepted == Accepted::Nobody) break;
        if (accepted == Accepted::OutOfDescriptors) {
            refuse_batch();
            return;
        }
    }
}

void Listener::refuse_batch() {
    if (!said_out_of_descriptors_) {
        said_out_of_descriptors_ = true;
        spdlog::error(
            "out of file descriptors: clients are refused until others leave; raise the limit of "
            "open files (ulimit -n)"
        );
    }
    for (int i = 0; i < batch_max; ++i) {
        const Accepted accepted = accept_one();
        if (accepted == Accepted::Nobody) break;
        if (accepted == Accepted::Client) continue;
        spare_.reset();
        UniqueFd client(::accept4(socket_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
        if (client.is_set()) refuse(std::move(client));
        spare_ = open_spare();
    }
    poller_.remove(socket_.get());
    resume_at_ = std::chrono::steady_clock::now() + pause_time;
}

}  // namespace penstock::net
