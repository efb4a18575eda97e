// HTTP for the admin port and the grants port (Boost.Beast, this source file only). One thread,
// that of its io_context.
#pragma once

#include "crds/api/result.hpp"
#include "dataplane/net/admin_pages.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ssl/context.hpp>

namespace penstock::net {

class AdminServer {
 public:
    using Answer = std::function<AdminResponse(const AdminRequest&)>;
    using TlsContext = std::shared_ptr<boost::asio::ssl::context>;

    AdminServer(boost::asio::io_context& context, Answer answer);
    ~AdminServer();

    // Plain HTTP: listens and serves from then on. The port it got.
    api::Result<std::uint16_t> open(const std::string& address, std::uint16_t port);
    // TLS, as set_tls() says; until then connections are closed at once.
    api::Result<std::uint16_t> open_tls(const std::string& address, std::uint16_t port);
    // For the connections from now on; those that were made before end at their next request.
    void set_tls(TlsContext tls);

 private:
    class Listening;
    std::shared_ptr<Listening> listening_;
};

}  // namespace penstock::net
