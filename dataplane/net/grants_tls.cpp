#include "dataplane/net/grants_tls.hpp"

#include "crds/api/names.hpp"
#include "dataplane/net/tls.hpp"

#include <array>

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

namespace penstock::net {
namespace {

template <auto free>
struct Free {
    template <class T>
    void operator()(T* object) const {
        free(object);
    }
};
using KeyPtr = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
using CertificatePtr = std::unique_ptr<X509, Free<X509_free>>;
using BioPtr = std::unique_ptr<BIO, Free<BIO_free>>;

// Nobody checks how long this certificate is good: ten years outlive the process.
constexpr long valid_seconds = 10L * 365 * 24 * 3'600;
// Clocks differ.
constexpr long backdated_seconds = 3'600;

CertificatePtr sign_for_itself(EVP_PKEY* key) {
    CertificatePtr made(X509_new());
    if (!made) return made;
    X509* const certificate = made.get();
    X509_set_version(certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -backdated_seconds);
    X509_gmtime_adj(X509_getm_notAfter(certificate), valid_seconds);
    X509_set_pubkey(certificate, key);
    X509_NAME* const name = X509_get_subject_name(certificate);
    const std::string text(api::proxy_name);
    X509_NAME_add_entry_by_txt(
        name,
        "CN",
        MBSTRING_ASC,
        reinterpret_cast<const unsigned char*>(text.data()),
        static_cast<int>(text.size()),
        -1,
        0
    );
    X509_set_issuer_name(certificate, name);
    if (X509_sign(certificate, key, EVP_sha256()) == 0) made.reset();
    return made;
}

std::string common_name(X509* certificate) {
    std::array<char, 128> text{};
    const int size = X509_NAME_get_text_by_NID(
        X509_get_subject_name(certificate), NID_commonName, text.data(), text.size()
    );
    return size < 0 ? std::string() : std::string(text.data(), static_cast<std::size_t>(size));
}

// Beyond the chain: whatever else an authority of ours signs, this port is the operator's.
int is_operator(int chain_is_good, X509_STORE_CTX* chain) {
    if (chain_is_good != 1 || X509_STORE_CTX_get_error_depth(chain) > 0) return chain_is_good;
    if (common_name(X509_STORE_CTX_get_current_cert(chain)) == api::operator_name) return 1;
    X509_STORE_CTX_set_error(chain, X509_V_ERR_APPLICATION_VERIFICATION);
    return 0;
}

// How many were added; -1 if there is something in the text that is no certificate.
int add_authorities(SSL_CTX* context, const std::string& pem) {
    const BioPtr text(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
    X509_STORE* const store = SSL_CTX_get_cert_store(context);
    int count = 0;
    for (;;) {
        const CertificatePtr each(PEM_read_bio_X509(text.get(), nullptr, nullptr, nullptr));
        if (!each) break;
        X509_STORE_add_cert(store, each.get());
        SSL_CTX_add_client_CA(context, each.get());
        ++count;
    }
    const bool is_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    if (is_end) ERR_clear_error();
    return is_end ? count : -1;
}

}  // namespace

api::Result<std::shared_ptr<boost::asio::ssl::context>> make_grants_tls(
    const std::string& client_cas
) {
    const auto fault = [](const std::string& text) {
        const std::string reason = ERR_peek_error() != 0 ? ": " + take_openssl_error() : "";
        return tl::unexpected(api::Error{{}, text + reason});
    };
    ERR_clear_error();
    ContextPtr context(SSL_CTX_new(TLS_server_method()));
    const KeyPtr key(EVP_EC_gen("P-256"));
    const CertificatePtr certificate = key ? sign_for_itself(key.get()) : nullptr;
    if (!context || !certificate ||
        SSL_CTX_use_certificate(context.get(), certificate.get()) != 1 ||
        SSL_CTX_use_PrivateKey(context.get(), key.get()) != 1) {
        return fault("cannot set up TLS");
    }
    SSL_CTX_set_min_proto_version(context.get(), TLS1_3_VERSION);
    // Each connection shows its certificate anew: an authority that is gone opens nothing.
    SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(context.get(), 0);
    SSL_CTX_set_verify(
        context.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, is_operator
    );
    const int authorities = add_authorities(context.get(), client_cas);
    if (authorities < 0) return fault("has something that is no certificate in PEM form");
    if (authorities == 0) return fault("has no certificate in PEM form");
    return std::make_shared<boost::asio::ssl::context>(context.release());
}

}  // namespace penstock::net
