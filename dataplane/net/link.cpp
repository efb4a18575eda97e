#include "dataplane/net/link.hpp"

#include "crds/api/check.hpp"
#include "dataplane/net/connector.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

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

void Link::open(proxy::LinkId name, State state, int fd, std::unique_ptr<TlsStream> tls) {
    CHECK(state_ == State::Free);
    name_ = name;
    state_ = state;
    tls_ = std::move(tls);
    if (fd >= 0) assign(fd);
}

void Link::assign(int fd) {
    socket_ = UniqueFd(fd);
    is_readable_ = is_writable_ = has_hung_up_ = has_broken_ = false;
    if (poller_.add(fd, this, Poller::changes)) return;
    // The system has no room to watch it: it is found closed when it is looked at.
    ::shutdown(fd, SHUT_RDWR);
    is_readable_ = is_writable_ = has_hung_up_ = has_broken_ = true;
}

void Link::note_ready(std::uint32_t events) {
    constexpr std::uint32_t broken = EPOLLHUP | EPOLLERR;
    if ((events & (EPOLLIN | EPOLLRDHUP | broken)) != 0) is_readable_ = true;
    if ((events & (EPOLLOUT | broken)) != 0) is_writable_ = true;
    if ((events & (EPOLLRDHUP | broken)) != 0) has_hung_up_ = true;
    if ((events & broken) != 0) has_broken_ = true;
}

Transfer Link::read(char* buffer, std::size_t size) {
    Transfer got = tls_ ? tls_->read(buffer, size) : read_plain(buffer, size);
    // Bytes that came meanwhile are a change of their own; an end was told with the bytes before.
    if (got.bytes < size) is_readable_ = has_hung_up_;
    return got;
}

Transfer Link::read_plain(char* buffer, std::size_t size) const {
    const ssize_t bytes = ::recv(fd(), buffer, size, MSG_DONTWAIT);
    if (bytes > 0) return {Transfer::Kind::Moved, static_cast<std::size_t>(bytes), {}};
    if (bytes < 0) return failed(errno);
    return {Transfer::Kind::Closed, 0, "connection closed by the peer", true};
}

std::optional<char> Link::peek() const {
    char first = 0;
    if (::recv(fd(), &first, 1, MSG_PEEK | MSG_DONTWAIT) != 1) return std::nullopt;
    return first;
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
        return noted(tls_->write({record.data(), filled}));
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
    return noted(failed(errno));
}

Transfer Link::write_pending() {
    while (has_pending()) {
        iovec part{pending_.data() + pending_sent_, pending_.size() - pending_sent_};
        Transfer transfer;
        if (tls_) {
            transfer = noted(tls_->write({static_cast<char*>(part.iov_base), part.iov_len}));
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

Transfer Link::noted(Transfer written) {
    if (written.kind == Transfer::Kind::WouldBlock) is_writable_ = false;
    return written;
}

void Link::drop_socket() { socket_.reset(); }

void Link::shutdown_send() {
    if (tls_) tls_->shutdown();
    ::shutdown(fd(), SHUT_WR);
}

void Link::close() {
    if (socket_.is_set()) {
        shutdown_send();
        std::array<char, 4'096> unread;
        for (int i = 0; i < 16; ++i) {
            if (::recv(fd(), unread.data(), unread.size(), MSG_DONTWAIT) <= 0) break;
        }
    }
    forget();
}

void Link::abort() {
    if (socket_.is_set()) {
        const linger reset{1, 0};
        ::setsockopt(fd(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    }
    forget();
}

Link::Released Link::release() {
    poller_.remove(fd());
    Released released{
        std::move(socket_), std::move(tls_), std::move(server_tls), pending_.substr(pending_sent_)};
    forget();
    return released;
}

void Link::forget() {
    tls_.reset();
    server_tls.reset();
    drop_socket();
    drop_pending();
    attempt.reset();
    name_ = {};
    state_ = State::Free;
    paused = may_begin_tls = has_ended = send_failed = shutdown_when_sent = tls_when_sent =
        blocks_others = false;
    blocked_by = 0;
}

}  // namespace penstock::net
