// One socket and what hangs on it. Owned by its worker's Links, this worker's thread only; decides
// nothing.
//
// A link remembers what its socket is ready for. The poller tells changes only, and a change is
// told for what comes after a read or a write that could not go on; so readiness holds from
// note_ready() until a read finds less, or a write leaves more, than there is.
#pragma once

#include "dataplane/net/poller.hpp"
#include "dataplane/net/tls_stream.hpp"
#include "dataplane/net/unique_fd.hpp"
#include "dataplane/proxy/link_id.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <sys/uio.h>

namespace penstock::net {

struct ConnectAttempt;
class ServerSideTls;

class Link {
 public:
    enum class State : std::uint8_t {
        Free,         // belongs to nobody
        Resolving,    // waits for the database's addresses; no socket yet
        Connecting,   // the socket is connecting
        Handshaking,  // TLS is being set up
        Open,
        Lingering,  // the name is gone; what is pending is still being written
    };

    explicit Link(Poller& poller) : poller_(poller) {}
    Link(const Link&) = delete;
    Link& operator=(const Link&) = delete;

    State state() const { return state_; }
    void set_state(State state) { state_ = state; }
    proxy::LinkId name() const { return name_; }
    // fd: non-blocking, now ours; -1: none yet. tls may be null.
    void open(proxy::LinkId name, State state, int fd, std::unique_ptr<TlsStream> tls = nullptr);
    void assign(int fd);
    int fd() const { return socket_.get(); }

    // What the poller says of the socket.
    void note_ready(std::uint32_t events);
    // Something may be there to read, in the socket or in TLS: bytes, or an end.
    bool is_readable() const {
        return is_readable_ || (tls_ && (tls_->has_pending() || tls_->has_ended()));
    }
    bool is_writable() const { return is_writable_; }
    // The peer sends no more, or the connection broke. There may still be bytes to read.
    bool has_hung_up() const { return has_hung_up_; }
    // The connection is gone in both directions.
    bool has_broken() const { return has_broken_; }

    // Requires: a socket. May move nothing although the socket was said to be ready.
    Transfer read(char* buffer, std::size_t size);
    // The first byte that is there to read, which stays there; nothing: none yet, or an end.
    std::optional<char> peek() const;
    // The parts in order in one system call (TLS: in as few as its records allow); says how much
    // left, in `bytes`. WouldBlock only if nothing did.
    Transfer write(const iovec* parts, std::size_t count);
    // Closes the socket only: the link goes on with another one.
    void drop_socket();
    // Writes from what is pending until it is gone or the socket takes no more.
    Transfer write_pending();
    void add_pending(std::string_view bytes) { pending_.append(bytes); }
    bool has_pending() const { return pending_sent_ < pending_.size(); }
    std::size_t pending_bytes() const { return pending_.size() - pending_sent_; }
    void drop_pending();

    bool may_read() const {
        return state_ == State::Open && !paused && !has_ended && !tls_when_sent && blocked_by == 0;
    }

    // Requires: no pending bytes in the plain.
    void set_tls(std::unique_ptr<TlsStream> tls) { tls_ = std::move(tls); }
    TlsStream* tls() { return tls_.get(); }

    void shutdown_send();
    // Closes the socket. Bytes the peer has sent meanwhile are read off first: unread ones would
    // make the kernel reset the connection, and the peer might lose our last words.
    void close();
    // Closes at once with a reset.
    void abort();
    struct Released {
        UniqueFd socket;
        std::unique_ptr<TlsStream> tls;
        std::shared_ptr<const ServerSideTls> server_tls;
        std::string pending;  // goes out first, from wherever the socket is next
    };
    // Takes the socket off this worker without closing it. As after close().
    Released release();

    // The worker's notes about this link.
    bool paused = false;              // by the Proxy
    bool may_begin_tls = false;       // a client's first byte says whether it begins with TLS
    bool has_ended = false;           // the peer will send no more
    bool send_failed = false;         // nothing more can be sent; what was received still counts
    bool shutdown_when_sent = false;  // ShutdownSend is due when nothing is pending
    bool tls_when_sent = false;       // StartTls is due when nothing is pending
    std::uint32_t blocked_by = 0;     // links whose pending bytes came from reading this one
    bool blocks_others = false;       // somebody's blocked_by counts this one
    std::uint32_t outbox_first = 0;   // this event's sends: indices into the worker's outbox
    std::uint32_t outbox_last = 0;    // 0: none
    bool is_in_outbox = false;
    bool is_served_again = false;  // in the worker's list of links to look at in its next turn
    std::chrono::steady_clock::time_point linger_until;
    std::chrono::steady_clock::time_point stuck_since;  // pending: since the peer last took any
    std::shared_ptr<const ServerSideTls> server_tls;    // of a server: that it was opened with
    std::unique_ptr<ConnectAttempt> attempt;            // while Resolving or Connecting

 private:
    void forget();
    Transfer read_plain(char* buffer, std::size_t size) const;
    Transfer noted(Transfer written);

    Poller& poller_;
    UniqueFd socket_;
    std::unique_ptr<TlsStream> tls_;
    std::string pending_;
    std::size_t pending_sent_ = 0;
    proxy::LinkId name_;
    State state_ = State::Free;
    bool is_readable_ = false;
    bool is_writable_ = false;
    bool has_hung_up_ = false;
    bool has_broken_ = false;
};

}  // namespace penstock::net
