// A small HTTP server on this host, for the operator's own metrics and health. Answers are made at
// once by a function; lives on its io_context's thread.
#pragma once

#include "crds/api/result.hpp"
#include "operator/http/message.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace boost::asio {
class io_context;
}

namespace penstock::http {

class Server {
 public:
    using Answer = std::function<Reply(const Request&)>;

    // `address` is "HOST:PORT" with a numeric host; port 0 takes a free one.
    static api::Result<std::unique_ptr<Server>> listen(
        boost::asio::io_context& io, const std::string& address, Answer answer
    );
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    std::uint16_t port() const;
    // Closes the connections that are open; new ones are taken.
    void drop_connections();

 private:
    struct State;
    explicit Server(std::shared_ptr<State> state);
    std::shared_ptr<State> state_;
};

}  // namespace penstock::http
