// The operator's side of mutual TLS: its certificate and key. Immutable, shared by all clients, any
// thread.
//
// The server's certificate is not verified. A proxy makes its own when it starts, and nobody could
// vouch for it: what says who answers is the token in the answer (identity.hpp), and that cannot
// have been relayed. A proxy gives its token only to who has proved, over this very handshake, to
// hold the key of our certificate; somebody in between cannot pass that proof on.
#pragma once

#include "crds/api/result.hpp"

#include <memory>
#include <string>

#include <boost/asio/ssl/context.hpp>

namespace penstock::http {

class ClientTls {
 public:
    // Both in PEM form.
    static api::Result<std::shared_ptr<const ClientTls>> make(
        const std::string& certificate, const std::string& key
    );

    // Connections made with it must end before this does.
    boost::asio::ssl::context& context() const { return context_; }

 private:
    ClientTls() = default;
    mutable boost::asio::ssl::context context_{boost::asio::ssl::context::tls_client};
};

}  // namespace penstock::http
