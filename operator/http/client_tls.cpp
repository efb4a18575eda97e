#include "operator/http/client_tls.hpp"

#include <boost/asio/buffer.hpp>

namespace penstock::http {

api::Result<std::shared_ptr<const ClientTls>> ClientTls::make(
    const std::string& certificate, const std::string& key
) {
    namespace ssl = boost::asio::ssl;
    const std::shared_ptr<ClientTls> made(new ClientTls());
    boost::system::error_code error;
    const auto fault = [&](const char* what) {
        return tl::unexpected(api::Error{"client certificate", what + error.message()});
    };
    SSL_CTX_set_min_proto_version(made->context_.native_handle(), TLS1_3_VERSION);
    made->context_.set_verify_mode(ssl::verify_none);
    made->context_.use_certificate_chain(boost::asio::buffer(certificate), error);
    if (error) return fault("is no certificate in PEM form: ");
    made->context_.use_private_key(boost::asio::buffer(key), ssl::context::pem, error);
    if (error) return fault("its key cannot be used: ");
    return made;
}

}  // namespace penstock::http
