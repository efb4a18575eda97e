// The exchange of grants and reports with one proxy, whichever way it is reached. One request at a
// time; lives on its io_context's thread.
#pragma once

#include "crds/api/grant.hpp"
#include "operator/http/client.hpp"

#include <functional>
#include <memory>
#include <string>

namespace penstock::http {

// How a proxy is reached, and how both sides know each other.
struct ProxyAccess {
    Endpoint endpoint;
    std::string bearer_token;              // on this host: a secret that both have
    std::shared_ptr<const ClientTls> tls;  // elsewhere: our certificate; null for plain HTTP
    // Judges the token in the answer; empty where no proof is asked for. The fault becomes the
    // exchange's.
    std::function<api::Result<void>(const std::string& identity)> check_identity;
};

inline ProxyAccess on_this_host(std::uint16_t port, const std::string& bearer_token) {
    return {{"127.0.0.1", port}, bearer_token, nullptr, nullptr};
}

class Exchange {
 public:
    using OnReport = std::function<void(api::Result<api::Report>)>;

    // Each step of a request has the timeout.
    Exchange(boost::asio::io_context& io, ProxyAccess access, std::chrono::milliseconds timeout);

    // An open request is given up with this; its handler is not called.
    bool is_busy() const { return client_.is_busy(); }
    // The three below require: !is_busy(). Handlers are called once, with a report or with what is
    // wrong, to be read after the proxy's name.
    void ask(OnReport on_report);
    // The report that follows says which grant is in force: this one, or a newer one.
    void push(const api::Grant& grant, OnReport on_report);
    // Where the admin port is the proxy's only one.
    void ask_if_ready(std::function<void(bool)> on_answer);

 private:
    void send(Request request, OnReport on_report);
    api::Result<api::Report> read(const Reply& reply) const;

    const ProxyAccess access_;
    Client client_;
};

}  // namespace penstock::http
