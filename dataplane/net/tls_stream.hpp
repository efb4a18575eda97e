// TLS on one non-blocking socket, over OpenSSL. Owned by a link, this worker's thread only. It may
// move to another worker together with its socket.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include <openssl/ssl.h>

namespace penstock::net {

// Outcome of one attempt to move bytes, in plain or through TLS.
struct Transfer {
    enum class Kind {
        Moved,       // `bytes` of them, at least one
        WouldBlock,  // nothing moved; wait until the socket is readable (writable)
        Closed,      // the peer closed, or the socket failed
    };
    Kind kind = Kind::WouldBlock;
    std::size_t bytes = 0;
    std::string reason;   // Closed: for people
    bool is_end = false;  // Closed: the peer sends no more; it may still read
};

class TlsStream {
 public:
    // Takes over `ssl`, which is set up for a role; `fd` must be non-blocking and outlive the
    // stream or its release.
    TlsStream(SSL* ssl, int fd);

    enum class Step { Established, WantsRead, WantsWrite, Failed };
    // One turn of the handshake. After Failed see error().
    Step handshake();
    const std::string& error() const { return error_; }
    // Established: both sides chose PostgreSQL's protocol by ALPN.
    bool has_protocol() const;

    // Fills as much of the buffer as there is: until WouldBlock, the buffer is full, or the end. An
    // end behind bytes shows at the next call.
    Transfer read(char* buffer, std::size_t size);
    // Requires: after WouldBlock the next call begins with the same bytes.
    Transfer write(std::string_view bytes);
    // Received bytes that read() has not given out, whole records or not: the socket need not
    // become readable for them.
    bool has_pending() const { return SSL_has_pending(ssl_.get()) == 1; }
    // Nothing more will come: the next read() says why, without waiting for the socket.
    bool has_ended() const { return has_ended_; }
    // Tells the peer that nothing more comes; best effort.
    void shutdown();

 private:
    Transfer failed(int result, const char* doing);

    struct Free {
        void operator()(SSL* ssl) const { SSL_free(ssl); }
    };
    std::unique_ptr<SSL, Free> ssl_;
    std::string error_;
    bool has_ended_ = false;
};

// The oldest OpenSSL error of this thread in words, and empties its queue. "" if there is none.
std::string take_openssl_error();

}  // namespace penstock::net
