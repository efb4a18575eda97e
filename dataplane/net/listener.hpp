// The socket on which one worker accepts clients. Each worker has its own on the same port
// (SO_REUSEPORT); the kernel shares the clients out. This worker's thread only.
#pragma once

#include "crds/api/result.hpp"
#include "dataplane/net/connector.hpp"
#include "dataplane/net/poller.hpp"
#include "dataplane/net/unique_fd.hpp"

#include <chrono>
#include <cstdint>
#include <string>

namespace penstock::net {

class Worker;

class Listener {
 public:
    using TimePoint = std::chrono::steady_clock::time_point;

    // The poller tells the worker, with this as `who`.
    Listener(Worker& worker, Poller& poller) : worker_(worker), poller_(poller) {}

    // Binds and listens; clients wait in the kernel until start(). The port it got.
    api::Result<std::uint16_t> open(
        const std::string& address, std::uint16_t port, const TcpOptions& options
    );
    // For those who are accepted from now on.
    void set_options(const TcpOptions& options);
    void start();
    // The socket is readable.
    void accept_batch();
    // When it is to be called for start() again; the end of time: not at all.
    TimePoint resume_at() const { return resume_at_; }
    // Takes whom the kernel has already connected, then closes.
    void stop();

 private:
    enum class Accepted { Client, Nobody, OutOfDescriptors };
    Accepted accept_one();
    void refuse_batch();

    Worker& worker_;
    Poller& poller_;
    UniqueFd socket_;
    TimePoint resume_at_ = TimePoint::max();
    // Given up for a moment to tell a client that there is no room for it.
    UniqueFd spare_;
    bool said_out_of_descriptors_ = false;
};

}  // namespace penstock::net
