#include "operator/kube/tls.hpp"

#include <memory>
#include <string>

#include <boost/asio/buffer.hpp>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

namespace penstock::kube {
namespace {

std::string place_of(const Material& material, const Credentials& credentials) {
    return material.file.empty() ? credentials.origin : material.file;
}

// The number of certificates added.
int add_certificates(X509_STORE& store, const std::string& pem) {
    const std::unique_ptr<BIO, decltype(&BIO_free)> source(
        BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), &BIO_free
    );
    int count = 0;
    while (X509* certificate = PEM_read_bio_X509(source.get(), nullptr, nullptr, nullptr)) {
        count += X509_STORE_add_cert(&store, certificate);
        X509_free(certificate);
    }
    ERR_clear_error();  // the end of the text is one
    return count;
}

api::Result<void> trust(SSL_CTX& context, const Credentials& credentials) {
    X509_STORE* store = X509_STORE_new();
    SSL_CTX_set_cert_store(&context, store);  // owns it; drops the authorities of this host
    const auto pem = credentials.ca.read();
    if (!pem) return tl::unexpected(pem.error());
    if (add_certificates(*store, *pem) == 0)
        return tl::unexpected(api::Error{
            place_of(credentials.ca, credentials),
            "has no certificate authority in PEM form to trust the API server by"});
    return {};
}

api::Result<void> show(boost::asio::ssl::context& context, const Credentials& credentials) {
    const auto certificate = credentials.client_certificate.read();
    if (!certificate) return tl::unexpected(certificate.error());
    const auto key = credentials.client_key.read();
    if (!key) return tl::unexpected(key.error());
    boost::system::error_code fault;
    context.use_certificate_chain(boost::asio::buffer(*certificate), fault);
    if (fault)
        return tl::unexpected(api::Error{
            place_of(credentials.client_certificate, credentials),
            "is no client certificate in PEM form: " + fault.message()});
    context.use_private_key(boost::asio::buffer(*key), boost::asio::ssl::context::pem, fault);
    if (fault)
        return tl::unexpected(api::Error{
            place_of(credentials.client_key, credentials),
            "is not the client certificate's key in PEM form: " + fault.message()});
    return {};
}

}  // namespace

api::Result<void> prepare_tls(boost::asio::ssl::context& context, const Credentials& credentials) {
    SSL_CTX& native = *context.native_handle();
    SSL_CTX_set_min_proto_version(&native, TLS1_2_VERSION);
    api::Result<void> result;
    if (!credentials.ca.empty()) result = trust(native, credentials);
    if (result && !credentials.client_certificate.empty()) result = show(context, credentials);
    if (!result) SSL_CTX_set_cert_store(&native, X509_STORE_new());
    return result;
}

}  // namespace penstock::kube
