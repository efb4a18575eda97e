// A small HTTP server on this host, for the operator's own metrics and health. Answers are made at
// once by a function; lives on its io_context's thread.
#pragma once

#include "crds/api/result.hpp"
#include "operator/host/http.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace boost::asio {
class io_context;
}

namespace penstock::host {

class HttpServer {
 public:
    using Answer = std::function<HttpReply(const HttpRequest&)>;

    // `address` is "HOST:PORT" with a numeric host; port 0 takes a free one.
    static api::Result<std::unique_ptr<HttpServer>> listen(
        boost::asio::io_context& io, const std::string& address, Answer answer
    );
    ~HttpServer();
    HttpServer(const HttpServer&) = delete;
    HttpServer& operator=(const HttpServer&) = delete;

    std::uint16_t port() const;
    // Closes the connections that are open; new ones are taken.
    void drop_connections();

 private:
    struct State;
    explicit HttpServer(std::shared_ptr<State> state);
    std::shared_ptr<State> state_;
};

}  // namespace penstock::host
