#include "dataplane/net/tls_stream.hpp"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>

#include <openssl/err.h>
#include <openssl/x509v3.h>

namespace penstock::net {

std::string take_openssl_error() {
    const unsigned long code = ERR_get_error();
    ERR_clear_error();
    if (code == 0) return {};
    const char* reason = ERR_reason_error_string(code);
    return reason != nullptr ? reason : "OpenSSL error " + std::to_string(code);
}

TlsStream::TlsStream(SSL* ssl, int fd) : ssl_(ssl) { SSL_set_fd(ssl, fd); }

TlsStream::Step TlsStream::handshake() {
    ERR_clear_error();
    const int result = SSL_do_handshake(ssl_.get());
    if (result == 1) return Step::Established;
    switch (SSL_get_error(ssl_.get(), result)) {
        case SSL_ERROR_WANT_READ:
            return Step::WantsRead;
        case SSL_ERROR_WANT_WRITE:
            return Step::WantsWrite;
        default:
            break;
    }
    const long verified = SSL_get_verify_result(ssl_.get());
    error_ = "TLS handshake failed: ";
    if (verified != X509_V_OK) {
        ERR_clear_error();
        error_ += "certificate not accepted: ";
        error_ += X509_verify_cert_error_string(verified);
    } else {
        error_ += failed(result, "").reason;
    }
    return Step::Failed;
}

bool TlsStream::has_protocol() const {
    const unsigned char* name = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(ssl_.get(), &name, &size);
    return size > 0;  // no other one is offered or taken
}

Transfer TlsStream::read(char* buffer, std::size_t size) {
    std::size_t got = 0;
    while (got < size) {
        ERR_clear_error();
        const int room = static_cast<int>(std::min<std::size_t>(size - got, INT_MAX));
        const int result = SSL_read(ssl_.get(), buffer + got, room);
        if (result > 0) {
            got += static_cast<std::size_t>(result);
            continue;
        }
        if (got == 0) return failed(result, "TLS read failed: ");
        has_ended_ = SSL_get_error(ssl_.get(), result) != SSL_ERROR_WANT_READ;
        break;
    }
    return {Transfer::Kind::Moved, got, {}};
}

Transfer TlsStream::write(std::string_view bytes) {
    ERR_clear_error();
    const int size = static_cast<int>(std::min<std::size_t>(bytes.size(), INT_MAX));
    const int result = SSL_write(ssl_.get(), bytes.data(), size);
    if (result > 0) return {Transfer::Kind::Moved, static_cast<std::size_t>(result), {}};
    return failed(result, "TLS write failed: ");
}

void TlsStream::shutdown() {
    ERR_clear_error();
    SSL_shutdown(ssl_.get());
    ERR_clear_error();
}

Transfer TlsStream::failed(int result, const char* doing) {
    const int saved = errno;
    switch (SSL_get_error(ssl_.get(), result)) {
        case SSL_ERROR_WANT_READ:
        case SSL_ERROR_WANT_WRITE:
            return {Transfer::Kind::WouldBlock, 0, {}};
        case SSL_ERROR_ZERO_RETURN:
            return {Transfer::Kind::Closed, 0, "connection closed by the peer"};
        case SSL_ERROR_SYSCALL:
            ERR_clear_error();
            if (saved == 0) return {Transfer::Kind::Closed, 0, "connection closed by the peer"};
            return {Transfer::Kind::Closed, 0, std::string(doing) + std::strerror(saved)};
        default:
            return {Transfer::Kind::Closed, 0, std::string(doing) + take_openssl_error()};
    }
}

}  // namespace penstock::net
