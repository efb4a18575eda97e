#include "operator/kube/run_command.hpp"

#include "operator/http/server.hpp"
#include "operator/kube/api_metrics.hpp"
#include "operator/kube/counted_transport.hpp"
#include "operator/kube/cpprest_transport.hpp"
#include "operator/kube/election.hpp"
#include "operator/kube/leading.hpp"

#include <csignal>
#include <iomanip>
#include <memory>
#include <optional>
#include <random>
#include <sstream>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <spdlog/spdlog.h>
#include <unistd.h>

namespace penstock::kube {

namespace {

std::string host_name() {
    char name[256] = {};
    return ::gethostname(name, sizeof name - 1) == 0 ? name : "penstock-operator";
}

// Of this process and no other, ever: a restarted one must not take itself for the former.
std::string identity_of(const RunOptions& options) {
    std::random_device random;
    std::ostringstream text;
    text << (options.identity.empty() ? host_name() : options.identity) << '_' << std::hex
         << std::setw(8) << std::setfill('0') << random();
    return text.str();
}

class KubeOperator {
 public:
    KubeOperator(const RunOptions& options, const Credentials& credentials)
        : options_(options),
          server_url_(credentials.server),
          transport_(io_, credentials, {}),
          lease_transport_(io_, credentials, {}),
          counted_(transport_),
          election_(io_, lease_transport_, lease_settings(options), [this] { on_election(); }) {}

    api::Result<void> begin() {
        if (!options_.metrics_address.empty()) {
            auto server = http::Server::listen(
                io_,
                options_.metrics_address,
                [this](const http::Request& request) { return answer(request); }
            );
            if (!server) return tl::unexpected(server.error());
            server_ = *std::move(server);
            spdlog::info("metrics and health at port {}", server_->port());
        }
        signals_.async_wait([this](const boost::system::error_code& error, int) {
            if (error) return;
            spdlog::info("ending; the proxies go on with the grants that they have");
            // Nothing is decided any more: the next leader need not wait for the Lease to run out.
            leading_.reset();
            election_.stop();
        });
        election_.begin();
        return {};
    }

    int run() {
        io_.run();
        return exit_status_;
    }

 private:
    static runtime::LeaseSettings lease_settings(const RunOptions& options) {
        runtime::LeaseSettings settings;
        settings.name_space = options.name_space;
        settings.name = options.lease;
        settings.identity = identity_of(options);
        settings.seed = std::random_device{}();
        return settings;
    }

    void on_election() {
        if (election_.is_over()) {
            io_.stop();
            return;
        }
        if (election_.is_leader() && !leading_) return lead();
        if (election_.is_leader() || !leading_) return;
        spdlog::error("the Lease is lost; ending");
        leading_.reset();
        exit_status_ = 1;
        io_.stop();
    }

    void lead() {
        const auto epoch = static_cast<std::uint64_t>(election_.elector().epoch());
        spdlog::info("leading, epoch {}", epoch);
        KubeEngine::Settings settings;
        settings.namespaces = options_.namespaces;
        settings.objects.proxy_image = options_.proxy_image;
        settings.trust.name_space = options_.name_space;
        settings.trust.times.validity = options_.key_validity;
        settings.trust.times.spread = options_.key_spread;
        settings.reporter = options_.identity.empty() ? host_name() : options_.identity;
        leading_.emplace(io_, counted_, std::move(settings), epoch, options_.interval, [this] {
            return election_.is_leader();
        });
        leading_->begin();
    }

    http::Reply answer(const http::Request& request) {
        if (request.target == "/healthz") return {200, "text/plain", "ok\n"};
        if (request.target == "/readyz") return readiness();
        if (request.target != "/metrics")
            return {404, "text/plain", "try /metrics, /healthz or /readyz\n"};
        metrics::Families families;
        add_requests(families, counted_.counts(), server_url_);
        add_election(families, options_.lease, election_.is_leader());
        if (leading_) leading_->add_metrics(families);
        return {200, "text/plain; version=0.0.4", families.text()};
    }

    // A replica that waits is ready once it knows whom it waits for.
    http::Reply readiness() const {
        std::string fault;
        if (leading_ && !leading_->ready()) fault = leading_->fault();
        if (!leading_ && !election_.knows_holder())
            fault = "the Lease has not been read: " + election_.elector().fault();
        if (leading_ && !leading_->ready() && fault.empty()) fault = "the first round is not over";
        if (fault.empty()) return {200, "text/plain", "ok\n"};
        return {503, "text/plain", fault + "\n"};
    }

    const RunOptions options_;
    const std::string server_url_;
    boost::asio::io_context io_{1};
    boost::asio::signal_set signals_{io_, SIGINT, SIGTERM};
    CpprestTransport transport_;
    CpprestTransport lease_transport_;  // a renewal never waits behind other requests
    CountedTransport counted_;
    Election election_;
    std::optional<Leading> leading_;
    std::unique_ptr<http::Server> server_;
    int exit_status_ = 0;
};

}  // namespace

int run_in_cluster(const RunOptions& given) {
    const auto failed = [](const api::Error& error) {
        spdlog::error("{}", api::to_string(error));
        return 1;
    };
    RunOptions options = given;
    const auto credentials =
        find_credentials(options.kubeconfig, options.context, environment_of_process());
    if (!credentials) return failed(credentials.error());
    if (options.name_space.empty()) options.name_space = credentials->name_space;
    spdlog::info(
        "API server {} as {}, own namespace {}, watching {}",
        credentials->server,
        credentials->origin,
        options.name_space,
        options.namespaces.empty() ? "all namespaces" : "some namespaces"
    );
    KubeOperator running(options, *credentials);
    if (const auto begun = running.begin(); !begun) return failed(begun.error());
    return running.run();
}

}  // namespace penstock::kube
