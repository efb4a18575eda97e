// The TLS of the grants port: this side's certificate is signed by itself and made in memory, since
// the operator knows a proxy by its token; the other side must be the operator, by a certificate of
// one of our authorities. Immutable, any thread.
#pragma once

#include "crds/api/result.hpp"

#include <memory>
#include <string>

#include <boost/asio/ssl/context.hpp>

namespace penstock::net {

// Holds the certificates of `client_cas` (PEM, one or more) to be the authorities. The fault says
// what is wrong with them.
api::Result<std::shared_ptr<boost::asio::ssl::context>> make_grants_tls(
    const std::string& client_cas
);

}  // namespace penstock::net
