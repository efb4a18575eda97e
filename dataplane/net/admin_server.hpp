// HTTP for the admin port (Boost.Beast, this source file only). One thread, that of its io_context.
#pragma once

#include "crds/api/result.hpp"
#include "dataplane/net/admin_pages.hpp"

#include <cstdint>
#include <memory>
#include <string>

#include <boost/asio/io_context.hpp>

namespace penstock::net {

class AdminServer {
 public:
    AdminServer(boost::asio::io_context& context, AdminPages pages);
    ~AdminServer();

    // Listens and serves from then on. The port it got.
    api::Result<std::uint16_t> open(const std::string& address, std::uint16_t port);

 private:
    class Listening;
    std::shared_ptr<Listening> listening_;
};

}  // namespace penstock::net
