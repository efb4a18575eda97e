// What a connection to the API server trusts and shows. Called for each new connection, on whatever
// thread makes it, so that rotated files are used without a restart.
#pragma once

#include "crds/api/result.hpp"
#include "operator/kube/credentials.hpp"

#include <boost/asio/ssl/context.hpp>

namespace penstock::kube {

// TLS 1.2 or newer; trusts the credentials' CA and nobody else; shows the client certificate. After
// an error the context trusts nobody, so that the handshake fails.
api::Result<void> prepare_tls(boost::asio::ssl::context& context, const Credentials& credentials);

}  // namespace penstock::kube
