// One kept-alive HTTP connection to a port of this host. One request at a time; lives on its
// io_context's thread.
#pragma once

#include "crds/api/result.hpp"
#include "operator/http/message.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>

namespace boost::asio {
class io_context;
}

namespace penstock::http {

class Client {
 public:
    using OnReply = std::function<void(api::Result<Reply>)>;

    // Connects to 127.0.0.1:port when first used, and again after an error.
    Client(boost::asio::io_context& io, std::uint16_t port, std::chrono::milliseconds timeout);
    // An open request is given up; its handler is not called.
    ~Client();
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    bool is_busy() const;
    // Requires: !is_busy(). The handler is called once: with a reply of any status, or why there is
    // none.
    void send(const Request& request, OnReply on_reply);

 private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace penstock::http
