#include "dataplane/net/tls.hpp"

#include <array>
#include <string_view>

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

namespace penstock::net {
namespace {

// The name that PostgreSQL registered for ALPN, in the form of the TLS message.
constexpr std::string_view alpn = "\x0apostgresql";
const unsigned char* alpn_bytes() { return reinterpret_cast<const unsigned char*>(alpn.data()); }

ContextPtr make_context(const SSL_METHOD* method) {
    ContextPtr context(SSL_CTX_new(method));
    if (!context) return context;
    SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
    SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_mode(
        context.get(),
        SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
            SSL_MODE_RELEASE_BUFFERS
    );
    SSL_CTX_set_read_ahead(context.get(), 1);
    return context;
}

// A client that offers ALPN without our name is not talking to us; PostgreSQL 17 refuses it too.
int select_alpn(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* in, unsigned in_size, void*) {
    unsigned char* selected = nullptr;
    const int result = SSL_select_next_proto(
        &selected, out_size, alpn_bytes(), static_cast<unsigned>(alpn.size()), in, in_size
    );
    *out = selected;
    return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

bool is_ip_address(const std::string& host) {
    std::array<unsigned char, sizeof(in6_addr)> address{};
    return inet_pton(AF_INET, host.c_str(), address.data()) == 1 ||
           inet_pton(AF_INET6, host.c_str(), address.data()) == 1;
}

tl::unexpected<api::Error> fault(const std::string& file, const std::string& what) {
    return tl::unexpected(api::Error{file, what + ": " + take_openssl_error()});
}

}  // namespace

api::Result<std::shared_ptr<const ClientSideTls>> ClientSideTls::make(
    const std::string& cert_file, const std::string& key_file
) {
    ERR_clear_error();
    ContextPtr context = make_context(TLS_server_method());
    if (!context) return fault({}, "cannot set up TLS");
    if (SSL_CTX_use_certificate_chain_file(context.get(), cert_file.c_str()) != 1) {
        return fault(cert_file, "cannot be used as a certificate chain in PEM form");
    }
    if (SSL_CTX_use_PrivateKey_file(context.get(), key_file.c_str(), SSL_FILETYPE_PEM) != 1) {
        return fault(key_file, "cannot be used as the private key of " + cert_file);
    }
    // Sessions are resumed by tickets, which cost no memory here. They are sealed with a key of
    // this context, so a reload ends their use by itself.
    SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(context.get(), 1);
    constexpr std::string_view session_context = "penstock";
    SSL_CTX_set_session_id_context(
        context.get(),
        reinterpret_cast<const unsigned char*>(session_context.data()),
        static_cast<unsigned>(session_context.size())
    );
    SSL_CTX_set_alpn_select_cb(context.get(), select_alpn, nullptr);
    return std::shared_ptr<const ClientSideTls>(new ClientSideTls(std::move(context)));
}

std::unique_ptr<TlsStream> ClientSideTls::start(int fd) const {
    SSL* ssl = SSL_new(context_.get());
    if (ssl == nullptr) return nullptr;
    SSL_set_accept_state(ssl);
    return std::make_unique<TlsStream>(ssl, fd);
}

api::Result<std::shared_ptr<const ServerSideTls>> ServerSideTls::make(
    api::TlsMode mode, const std::string& ca_file, const std::string& host
) {
    ERR_clear_error();
    ContextPtr context = make_context(TLS_client_method());
    if (!context) return fault({}, "cannot set up TLS");
    SSL_CTX_set_alpn_protos(context.get(), alpn_bytes(), static_cast<unsigned>(alpn.size()));
    if (mode == api::TlsMode::VerifyCA || mode == api::TlsMode::VerifyFull) {
        const bool loaded = ca_file.empty()
                                ? SSL_CTX_set_default_verify_paths(context.get()) == 1
                                : SSL_CTX_load_verify_file(context.get(), ca_file.c_str()) == 1;
        if (!loaded) return fault(ca_file, "cannot be used as certificates in PEM form");
        SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
    }
    return std::shared_ptr<const ServerSideTls>(new ServerSideTls(std::move(context), mode, host));
}

std::unique_ptr<TlsStream> ServerSideTls::start(int fd) const {
    SSL* ssl = SSL_new(context_.get());
    if (ssl == nullptr) return nullptr;
    SSL_set_connect_state(ssl);
    const bool by_address = is_ip_address(host_);
    if (!by_address) {
        // SNI takes names only.
        SSL_ctrl(
            ssl,
            SSL_CTRL_SET_TLSEXT_HOSTNAME,
            TLSEXT_NAMETYPE_host_name,
            const_cast<char*>(host_.c_str())
        );
    }
    if (mode_ == api::TlsMode::VerifyFull) {
        X509_VERIFY_PARAM* rules = SSL_get0_param(ssl);
        if (by_address) {
            X509_VERIFY_PARAM_set1_ip_asc(rules, host_.c_str());
        } else {
            X509_VERIFY_PARAM_set1_host(rules, host_.c_str(), host_.size());
        }
    }
    return std::make_unique<TlsStream>(ssl, fd);
}

}  // namespace penstock::net
