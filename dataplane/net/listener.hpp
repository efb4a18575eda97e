// The socket on which one worker accepts clients. Each worker has its own on the same port
// (SO_REUSEPORT); the kernel shares the clients out. This worker's thread only.
#pragma once

#include "crds/api/result.hpp"
#include "dataplane/net/link.hpp"
#include "dataplane/net/unique_fd.hpp"

#include <cstdint>
#include <string>

#include <boost/asio/basic_waitable_timer.hpp>

namespace penstock::net {

class Worker;

using Timer = boost::asio::basic_waitable_timer<
    std::chrono::steady_clock,
    boost::asio::wait_traits<std::chrono::steady_clock>,
    Executor>;

class Listener {
 public:
    Listener(Worker& worker, boost::asio::io_context& context)
        : worker_(worker), socket_(context), pause_(context) {}

    // Binds and listens; clients wait in the kernel until start(). The port it got.
    api::Result<std::uint16_t> open(const std::string& address, std::uint16_t port);
    void start();
    // Takes whom the kernel has already connected, then closes.
    void stop();

 private:
    enum class Accepted { Client, Nobody, OutOfDescriptors };
    Accepted accept_one();
    void wait();
    void accept_batch();
    void refuse_batch();

    Worker& worker_;
    Socket socket_;
    Timer pause_;
    // Given up for a moment to tell a client that there is no room for it.
    UniqueFd spare_;
    bool said_out_of_descriptors_ = false;
};

}  // namespace penstock::net
