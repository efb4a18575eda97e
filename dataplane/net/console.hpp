// The control thread's event loop and its two HTTP ports, for administration and for grants. They
// stay open while what answers on them changes: first a proxy that waits for its files, then one
// that serves. Made once by main; the control thread only.
#pragma once

#include "dataplane/net/admin_server.hpp"
#include "dataplane/net/config_source.hpp"

#include <optional>
#include <string>

#include <boost/asio/io_context.hpp>

namespace penstock::net {

class Console {
 public:
    Console();

    boost::asio::io_context& context() { return context_; }

    // What answers from now on. Before open().
    void show(AdminPages pages) { pages_ = std::move(pages); }
    // Listens as the document says, once; false, and it is logged why, if that fails.
    bool open(const api::DataplaneConfig& document);
    bool is_open() const { return admin_port_ != 0; }
    // Who may grant from now on, and who we say we are.
    void configure(const Reading& reading);

    // After open(); the grants port is 0 if there is none.
    std::uint16_t admin_port() const { return admin_port_; }
    std::uint16_t grants_port() const { return grants_port_; }

 private:
    bool open_grants(const api::GrantsListen& grants);
    AdminResponse answer_grants(const AdminRequest& request) const;

    boost::asio::io_context context_{1};
    AdminPages pages_;
    Door admin_door_ = Door::All;
    std::optional<std::string> identity_token_file_;
    std::string authorities_;  // that the grants port was told of last
    std::uint16_t admin_port_ = 0;
    std::uint16_t grants_port_ = 0;
    AdminServer admin_;
    AdminServer grants_;
};

}  // namespace penstock::net
