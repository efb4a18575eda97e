#include "dataplane/net/link.hpp"

#include "crds/api/check.hpp"
#include "dataplane/net/connector.hpp"
#include "dataplane/net/worker.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include <boost/asio/post.hpp>
#include <sys/socket.h>
#include <unistd.h>

namespace penstock::net {
namespace {

// A link that once had much pending gives its memory back.
constexpr std::size_t pending_kept_bytes = 4'096;

// One TLS record: OpenSSL would split more anyway.
constexpr std::size_t tls_record_bytes = 16'384;

bool would_block(int error) { return error == EAGAIN || error == EWOULDBLOCK || error == EINTR; }

Transfer failed(int error) {
    if (would_block(error)) return {};
    return {Transfer::Kind::Closed, 0, std::strerror(error)};
}

}  // namespace

// In place of a lambda for its associated allocator.
struct Link::Handler {
    using allocator_type = HandlerAllocator<std::byte>;

    Link* link;
    bool for_reading;

    allocator_type get_allocator() const {
        return allocator_type(for_reading ? link->read_memory_ : link->write_memory_);
    }
    void operator()(const boost::system::error_code&) const {
        if (for_reading) {
            link->waits_readable_ = false;
            link->worker_.readable(*link);
        } else {
            link->waits_writable_ = false;
            link->worker_.writable(*link);
        }
        link->unpin();
    }
};

void Link::open(proxy::LinkId name, State state, int fd, std::unique_ptr<TlsStream> tls) {
    CHECK(state_ == State::Free && pins_ == 0);
    name_ = name;
    state_ = state;
    tls_ = std::move(tls);
    if (fd >= 0) assign(fd);
}

void Link::assign(int fd) {
    boost::system::error_code error;
    socket_.assign(fd, error);
    CHECK(!error);
}

Transfer Link::read(char* buffer, std::size_t size) {
    if (tls_) return tls_->read(buffer, size);
    const ssize_t got = ::recv(fd(), buffer, size, MSG_DONTWAIT);
    if (got > 0) return {Transfer::Kind::Moved, static_cast<std::size_t>(got), {}};
    if (got == 0) return {Transfer::Kind::Closed, 0, "connection closed by the peer"};
    return failed(errno);
}

Transfer Link::write(const iovec* parts, std::size_t count) {
    if (tls_) {
        // The parts share records: a record for each small message would cost more than the copy.
        std::array<char, tls_record_bytes> record;
        std::size_t filled = 0;
        for (std::size_t i = 0; i < count && filled < record.size(); ++i) {
            const std::size_t taken = std::min(parts[i].iov_len, record.size() - filled);
            std::memcpy(record.data() + filled, parts[i].iov_base, taken);
            filled += taken;
        }
        return tls_->write({record.data(), filled});
    }
    ssize_t sent = 0;
    if (count == 1) {
        sent = ::send(fd(), parts->iov_base, parts->iov_len, MSG_DONTWAIT | MSG_NOSIGNAL);
    } else {
        msghdr message{};
        message.msg_iov = const_cast<iovec*>(parts);
        message.msg_iovlen = count;
        sent = ::sendmsg(fd(), &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
    if (sent >= 0) return {Transfer::Kind::Moved, static_cast<std::size_t>(sent), {}};
    return failed(errno);
}

Transfer Link::write_pending() {
    while (has_pending()) {
        iovec part{pending_.data() + pending_sent_, pending_.size() - pending_sent_};
        Transfer transfer;
        if (tls_) {
            transfer = tls_->write({static_cast<char*>(part.iov_base), part.iov_len});
        } else {
            transfer = write(&part, 1);
        }
        if (transfer.kind != Transfer::Kind::Moved) return transfer;
        pending_sent_ += transfer.bytes;
    }
    drop_pending();
    return {Transfer::Kind::Moved, 0, {}};
}

void Link::drop_pending() {
    pending_sent_ = 0;
    if (pending_.capacity() > pending_kept_bytes) {
        std::string().swap(pending_);
    } else {
        pending_.clear();
    }
}

void Link::wait_readable() {
    if (waits_readable_) return;
    waits_readable_ = true;
    pin();
    socket_.async_wait(Socket::wait_read, Handler{this, true});
}

void Link::wait_writable() {
    if (waits_writable_) return;
    waits_writable_ = true;
    pin();
    socket_.async_wait(Socket::wait_write, Handler{this, false});
}

void Link::end_of_writable_waits() {
    CHECK(!waits_writable_);
    const int socket = socket_.release();
    assign(socket);
}

void Link::resume_reading() {
    if (tls_ && tls_->has_pending()) {
        pin();
        boost::asio::post(socket_.get_executor(), [this] {
            worker_.readable(*this);
            unpin();
        });
        return;
    }
    wait_readable();
}

void Link::drop_socket() {
    boost::system::error_code ignored;
    socket_.close(ignored);
}

void Link::shutdown_send() {
    if (tls_) tls_->shutdown();
    ::shutdown(fd(), SHUT_WR);
}

void Link::close() {
    if (socket_.is_open()) {
        shutdown_send();
        std::array<char, 4'096> unread;
        for (int i = 0; i < 16; ++i) {
            if (::recv(fd(), unread.data(), unread.size(), MSG_DONTWAIT) <= 0) break;
        }
    }
    forget();
}

void Link::abort() {
    if (socket_.is_open()) {
        const linger reset{1, 0};
        ::setsockopt(fd(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    }
    forget();
}

Link::Released Link::release() {
    CHECK(!has_pending());
    Released released;
    released.tls = std::move(tls_);
    released.fd = socket_.release();
    forget();
    return released;
}

void Link::forget() {
    tls_.reset();
    drop_socket();
    drop_pending();
    attempt.reset();
    name_ = {};
    state_ = State::Free;
    paused = send_failed = shutdown_when_sent = tls_when_sent = blocks_others = false;
    blocked_by = 0;
}

void Link::unpin() {
    CHECK(pins_ > 0);
    if (--pins_ == 0 && state_ == State::Free) worker_.free(*this);
}

}  // namespace penstock::net
