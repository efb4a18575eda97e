// One kept-alive HTTP connection to a port of this host. One request at a time; lives on its
// io_context's thread.
#pragma once

#include "crds/api/result.hpp"
#include "operator/host/http.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>

namespace boost::asio {
class io_context;
}

namespace penstock::host {

class HttpClient {
 public:
    using OnReply = std::function<void(api::Result<HttpReply>)>;

    // Connects to 127.0.0.1:port when first used, and again after an error.
    HttpClient(boost::asio::io_context& io, std::uint16_t port, std::chrono::milliseconds timeout);
    // An open request is given up; its handler is not called.
    ~HttpClient();
    HttpClient(const HttpClient&) = delete;
    HttpClient& operator=(const HttpClient&) = delete;

    bool is_busy() const;
    // Requires: !is_busy(). The handler is called once: with a reply of any status, or why there is
    // none.
    void send(const HttpRequest& request, OnReply on_reply);

 private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace penstock::host
