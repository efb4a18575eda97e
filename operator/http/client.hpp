// One kept-alive HTTP connection, plain or with TLS (client_tls.hpp). One request at a time; lives
// on its io_context's thread.
#pragma once

#include "crds/api/result.hpp"
#include "operator/http/client_tls.hpp"
#include "operator/http/endpoint.hpp"
#include "operator/http/message.hpp"

#include <chrono>
#include <functional>
#include <memory>

namespace boost::asio {
class io_context;
}

namespace penstock::http {

class Client {
 public:
    using OnReply = std::function<void(api::Result<Reply>)>;

    // Connects when first used, and again after an error. Each step of a request has the timeout.
    // tls: null for plain HTTP.
    Client(
        boost::asio::io_context& io,
        Endpoint server,
        std::chrono::milliseconds timeout,
        std::shared_ptr<const ClientTls> tls = nullptr
    );
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
