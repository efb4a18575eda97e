#include "dataplane/net/connector.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

namespace penstock::net {
namespace {

std::string key_of(const std::string& host, std::uint16_t port) {
    return host + ":" + std::to_string(port);
}

}  // namespace

void set_socket_options(int fd, const TcpOptions& options) {
    const auto set = [fd](int level, int option, int value) {
        ::setsockopt(fd, level, option, &value, sizeof value);
    };
    const auto set_seconds = [&set](int option, std::chrono::seconds value) {
        if (value.count() > 0) set(IPPROTO_TCP, option, static_cast<int>(value.count()));
    };
    set(SOL_SOCKET, SO_KEEPALIVE, 1);
    set_seconds(TCP_KEEPIDLE, options.keepalive_idle);
    set_seconds(TCP_KEEPINTVL, options.keepalive_interval);
    set(IPPROTO_TCP, TCP_KEEPCNT, 6);
    // Of unacknowledged bytes; with keepalive it also ends an idle connection. Zero is the default.
    const std::chrono::milliseconds user_timeout = options.user_timeout;
    set(IPPROTO_TCP, TCP_USER_TIMEOUT, static_cast<int>(user_timeout.count()));
    set(IPPROTO_TCP, TCP_NODELAY, 1);
}

void ConnectAttempt::note(const std::string& fault) {
    const auto& address = (*addresses)[next - 1];
    if (!faults.empty()) faults += "; ";
    faults += address.address().to_string() + ":" + std::to_string(address.port()) + ": " + fault;
}

Connecting begin_connect(const boost::asio::ip::tcp::endpoint& address, const TcpOptions& options) {
    const int fd =
        ::socket(address.data()->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        if (errno == EMFILE || errno == ENFILE) {
            return {-1, "out of file descriptors; raise the limit (ulimit -n)"};
        }
        return {-1, std::strerror(errno)};
    }
    set_socket_options(fd, options);
    const auto size = static_cast<socklen_t>(address.size());
    if (::connect(fd, address.data(), size) < 0 && errno != EINPROGRESS && errno != EINTR) {
        Connecting failed{-1, std::strerror(errno)};
        ::close(fd);
        return failed;
    }
    return {fd, {}};
}

std::string connect_fault(int fd) {
    int error = 0;
    socklen_t size = sizeof error;
    if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0) error = errno;
    return error == 0 ? std::string() : std::string(std::strerror(error));
}

std::shared_ptr<const Addresses> Resolver::known(
    const std::string& host, std::uint16_t port, TimePoint now
) {
    if (addresses_ && host == host_ && port == port_ && (!known_until_ || now < *known_until_)) {
        return addresses_;
    }
    boost::system::error_code not_numeric;
    const auto address = boost::asio::ip::make_address(host, not_numeric);
    if (not_numeric) return nullptr;
    keep_addresses(host, port, std::make_shared<const Addresses>(Addresses{{address, port}}));
    return addresses_;
}

void Resolver::resolve(const std::string& host, std::uint16_t port, Done done) {
    const std::string key = key_of(host, port);
    const auto asks_same = [&key](const Waiting& each) { return each.key == key; };
    const bool under_way = std::any_of(waiting_.begin(), waiting_.end(), asks_same);
    waiting_.push_back({key, std::move(done)});
    if (under_way) return;
    const auto resolved = [this, mailbox = mailbox_, host, port](
                              const boost::system::error_code& error, const auto& results
                          ) {
        std::string fault;
        std::shared_ptr<const Addresses> addresses;
        if (error) {
            fault = "cannot resolve \"" + host + "\": " + error.message();
        } else {
            addresses = std::make_shared<const Addresses>(results.begin(), results.end());
        }
        mailbox->post([this, host, port, addresses, fault] { found(host, port, addresses, fault); }
        );
    };
    resolver_.async_resolve(host, std::to_string(port), resolved);
}

void Resolver::found(
    const std::string& host,
    std::uint16_t port,
    std::shared_ptr<const Addresses> addresses,
    const std::string& fault
) {
    if (addresses) {
        keep_addresses(host, port, addresses);
        known_until_ = std::chrono::steady_clock::now() + keep;
    }
    const std::string key = key_of(host, port);
    std::vector<Waiting> all = std::exchange(waiting_, {});
    for (Waiting& each : all) {
        if (each.key == key) {
            each.done(addresses, fault);
        } else {
            waiting_.push_back(std::move(each));
        }
    }
}

void Resolver::keep_addresses(
    const std::string& host, std::uint16_t port, std::shared_ptr<const Addresses> addresses
) {
    host_ = host;
    port_ = port;
    addresses_ = std::move(addresses);
    known_until_.reset();
}

void Resolver::prefer(const boost::asio::ip::tcp::endpoint& address) {
    if (!addresses_ || addresses_->size() < 2 || addresses_->front() == address) return;
    Addresses reordered{address};
    for (const auto& each : *addresses_) {
        if (each != address) reordered.push_back(each);
    }
    if (reordered.size() != addresses_->size()) return;
    addresses_ = std::make_shared<const Addresses>(std::move(reordered));
}

}  // namespace penstock::net
