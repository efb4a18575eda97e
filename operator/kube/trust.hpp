// Who may speak to whom: the operator's keys (a Secret of its own namespace) and the keys by which
// the cluster signs ServiceAccounts' tokens. Makes the Secret if there is none, renews what grows
// old. Owned by the deciding thread.
#pragma once

#include "operator/http/exchange.hpp"
#include "operator/http/identity.hpp"
#include "operator/http/key_ring.hpp"
#include "operator/kube/alarm.hpp"
#include "operator/kube/transport.hpp"
#include "operator/objects/pod.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace penstock::kube {

class Trust {
 public:
    struct Settings {
        std::string name_space;  // the operator's own
        std::string secret = "penstock-operator-keys";
        http::KeyRing::Times times{};
        std::chrono::milliseconds look_again{60'000};
        std::chrono::milliseconds after_fault{5'000};
    };

    Trust(
        boost::asio::io_context& io,
        Transport& transport,
        Settings settings,
        std::function<void()> on_news
    );
    Trust(const Trust&) = delete;
    Trust& operator=(const Trust&) = delete;

    void begin();
    // Both kinds of keys are known.
    bool ready() const { return tls_ && token_keys_; }
    // The authorities that proxies trust, PEM; empty until they are known.
    std::string authorities() const { return ring_.trusted(); }
    // Why they are not known or not renewed; empty when all is well.
    const std::string& fault() const { return keys_fault_.empty() ? token_fault_ : keys_fault_; }
    // How to reach the proxy of a Pod; nothing until ready().
    std::optional<http::ProxyAccess> access(const objects::PodFacts& pod);

 private:
    void read_secret();
    void on_secret(const runtime::Response& response);
    void write_secret(const http::KeyRing& ring, const api::Document* present);
    void use(const http::KeyRing& ring);
    void read_token_keys();
    void fail(const std::string& fault);
    void fail_tokens(const std::string& fault);
    void end_look(std::string& told, const std::string& fault);
    api::Result<void> check(const objects::PodFacts& pod, const std::string& token) const;
    void ask(const runtime::Request& request, void (Trust::*on_answer)(const runtime::Response&));
    void on_written(const runtime::Response& response);
    void on_token_keys(const runtime::Response& response);

    Transport& transport_;
    const Settings settings_;
    std::function<void()> on_news_;
    Alarm alarm_;
    http::KeyRing ring_;
    http::CertifiedKey client_;
    std::shared_ptr<const http::ClientTls> tls_;
    std::shared_ptr<const http::KeySet> token_keys_;
    mutable bool newer_keys_wanted_ = false;
    std::chrono::steady_clock::time_point token_keys_asked_{};
    std::string keys_fault_;
    std::string token_fault_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace penstock::kube
