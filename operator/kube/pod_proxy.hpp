// The proxy of one Pod: who it is, whether it answers, the grants on their way to it. A container
// that starts anew is another proxy. Lives on the deciding thread.
#pragma once

#include "operator/domain/observed.hpp"
#include "operator/domain/plan.hpp"
#include "operator/http/exchange.hpp"
#include "operator/objects/pod.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace penstock::kube {

// What all proxies have in common.
struct ProxySurroundings {
    boost::asio::io_context& io;
    // How to reach the proxy of a Pod; nothing while the operator's own keys are not known.
    std::function<std::optional<http::ProxyAccess>(const objects::PodFacts&)> access;
    std::function<void()> on_news;
};

class PodProxy {
 public:
    // `inherited`: the Pod was there before this operator led. `previous`: the container of the
    // proxy that the Pod had before; what is still said of that one is not said of this one.
    PodProxy(
        const ProxySurroundings& surroundings,
        const objects::PodFacts& pod,
        bool inherited,
        std::string previous = {}
    );
    ~PodProxy();
    PodProxy(const PodProxy&) = delete;
    PodProxy& operator=(const PodProxy&) = delete;

    // The Pod as it is now. When its container has ended or another runs in its place the proxy
    // is Gone.
    void see(const objects::PodFacts& pod);
    // The Pod does not exist any more.
    void see_no_pod();

    const domain::Proxy& seen() const { return seen_; }
    const objects::PodFacts& pod() const { return pod_; }
    // Its own, or the previous one while its own is not known.
    const std::string& container() const { return container_; }
    bool has_reported() const { return seen_.report.has_value(); }
    // Asks for a report, unless an exchange is under way or there is no address.
    void exchange();
    // Sends the grant at once, or after the exchange that is under way.
    void push(const api::Grant& grant);

 private:
    void on_report(const api::Result<api::Report>& report, domain::Time asked);
    void end(const std::string& why);
    void fail(const std::string& fault);

    const ProxySurroundings& surroundings_;
    const std::string previous_;
    std::string container_;
    objects::PodFacts pod_;
    domain::Proxy seen_;
    std::optional<api::Grant> waiting_grant_;
    std::unique_ptr<http::Exchange> exchange_;
};

}  // namespace penstock::kube
