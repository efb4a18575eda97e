// One socket and what hangs on it. Owned by its worker's Links, this worker's thread only; decides
// nothing.
//
// A link closes in two steps: close() gives the socket back and the name is gone; the object is
// free for another use when nothing of Asio's and no running event holds it any more (its pins).
#pragma once

#include "dataplane/net/handler_memory.hpp"
#include "dataplane/net/tls_stream.hpp"
#include "dataplane/proxy/link_id.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <sys/uio.h>

namespace penstock::net {

class Worker;
struct ConnectAttempt;

using Executor = boost::asio::io_context::executor_type;
using Socket = boost::asio::posix::basic_stream_descriptor<Executor>;

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

    Link(Worker& worker, boost::asio::io_context& context) : worker_(worker), socket_(context) {}
    Link(const Link&) = delete;
    Link& operator=(const Link&) = delete;

    State state() const { return state_; }
    void set_state(State state) { state_ = state; }
    proxy::LinkId name() const { return name_; }
    // fd: non-blocking, now ours; -1: none yet. tls may be null.
    void open(proxy::LinkId name, State state, int fd, std::unique_ptr<TlsStream> tls = nullptr);
    void assign(int fd);
    int fd() { return socket_.native_handle(); }

    // Requires: a socket. May move nothing although the socket was said to be ready.
    Transfer read(char* buffer, std::size_t size);
    // The parts in order in one system call (TLS: in as few as its records allow); says how much
    // left, in `bytes`. WouldBlock only if nothing did.
    Transfer write(const iovec* parts, std::size_t count);
    // Closes the socket only: the link goes on with another one.
    void drop_socket();
    // Writes from what is pending until it is gone or the socket takes no more.
    Transfer write_pending();
    void add_pending(std::string_view bytes) { pending_.append(bytes); }
    bool has_pending() const { return pending_sent_ < pending_.size(); }
    void drop_pending();

    // Each calls the worker's readable() (writable()) once, later. No effect if one is under way.
    void wait_readable();
    void wait_writable();
    // To be called when a wait_writable() has ended and none follows soon. Asio goes on to watch
    // for room to write, which there always is: each wait_readable() would then wake the worker for
    // nothing.
    void end_of_writable_waits();
    // As wait_readable(), or at once if TLS holds received bytes.
    void resume_reading();
    bool may_read() const {
        return state_ == State::Open && !paused && !has_ended && blocked_by == 0;
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
        int fd = -1;
        std::unique_ptr<TlsStream> tls;
    };
    // Takes the socket off this worker without closing it. As after close().
    Released release();

    void pin() { ++pins_; }
    void unpin();
    bool is_pinned() const { return pins_ > 0; }

    // The worker's notes about this link.
    bool paused = false;              // by the Proxy
    bool has_ended = false;           // the peer will send no more
    bool send_failed = false;         // nothing more can be sent; what was received still counts
    bool shutdown_when_sent = false;  // ShutdownSend is due when nothing is pending
    bool tls_when_sent = false;       // StartTls is due when nothing is pending
    std::uint32_t blocked_by = 0;     // links whose pending bytes came from reading this one
    bool blocks_others = false;       // somebody's blocked_by counts this one
    std::uint32_t outbox_first = 0;   // this event's sends: indices into the worker's outbox
    std::uint32_t outbox_last = 0;    // 0: none
    bool is_in_outbox = false;
    std::chrono::steady_clock::time_point linger_until;
    std::unique_ptr<ConnectAttempt> attempt;  // while Resolving or Connecting

 private:
    struct Handler;
    void forget();

    Worker& worker_;
    Socket socket_;
    std::unique_ptr<TlsStream> tls_;
    std::string pending_;
    std::size_t pending_sent_ = 0;
    proxy::LinkId name_;
    State state_ = State::Free;
    bool waits_readable_ = false;
    bool waits_writable_ = false;
    std::uint32_t pins_ = 0;
    HandlerMemory read_memory_;
    HandlerMemory write_memory_;
};

}  // namespace penstock::net
