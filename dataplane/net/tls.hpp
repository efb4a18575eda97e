// TLS contexts: certificates and rules, made from files once and then shared by all workers. A
// reload makes new ones; links that exist keep theirs. Immutable, any thread.
#pragma once

#include "crds/api/result.hpp"
#include "crds/api/settings.hpp"
#include "dataplane/net/tls_stream.hpp"

#include <memory>
#include <string>

#include <openssl/ssl.h>

namespace penstock::net {

struct ContextFree {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using ContextPtr = std::unique_ptr<SSL_CTX, ContextFree>;

// Towards clients: we have the certificate.
class ClientSideTls {
 public:
    // Faults name the file and what is wrong with it.
    static api::Result<std::shared_ptr<const ClientSideTls>> make(
        const std::string& cert_file, const std::string& key_file
    );
    // fd: see TlsStream. Null if OpenSSL has no memory.
    std::unique_ptr<TlsStream> start(int fd) const;

 private:
    explicit ClientSideTls(ContextPtr context) : context_(std::move(context)) {}
    ContextPtr context_;
};

// Towards the database: the peer has the certificate.
class ServerSideTls {
 public:
    // ca_file may be empty: then the system's certificates count. `host` is what the certificate
    // must name in mode VerifyFull.
    static api::Result<std::shared_ptr<const ServerSideTls>> make(
        api::TlsMode mode, const std::string& ca_file, const std::string& host
    );
    std::unique_ptr<TlsStream> start(int fd) const;

 private:
    ServerSideTls(ContextPtr context, api::TlsMode mode, std::string host)
        : context_(std::move(context)), mode_(mode), host_(std::move(host)) {}
    ContextPtr context_;
    api::TlsMode mode_;
    std::string host_;
};

}  // namespace penstock::net
