#include "operator/host/local_command.hpp"

#include "operator/host/host_engine.hpp"
#include "operator/host/manifest_watch.hpp"
#include "operator/host/state_folder.hpp"
#include "operator/http/server.hpp"
#include "operator/metrics/operator_metrics.hpp"
#include "operator/reconcile/fleet.hpp"

#include <algorithm>
#include <csignal>
#include <optional>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <spdlog/spdlog.h>

namespace penstock::host {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// Between two rounds, at least: news that come together are taken together.
constexpr milliseconds round_distance{100};
// While a proxy's admin port is not known yet.
constexpr milliseconds starting_distance{50};

Resources::Folders folders_of(const LocalOptions& options, const StateFolder& state) {
    return {options.manifests, state.objects(), state.secrets(), state.status()};
}

class LocalOperator {
 public:
    LocalOperator(const LocalOptions& options, const StateFolder& state, std::uint64_t epoch)
        : options_(options),
          engine_(
              {io_, options.program, state.proxies(), state.logs(), [this] { round_soon(); }},
              folders_of(options, state),
              options.listen_address
          ),
          memory_(epoch) {
        counters_.epoch = epoch;
    }

    api::Result<void> begin() {
        engine_.begin();
        auto watch = ManifestWatch::start(io_, options_.manifests, {}, [this] {
            engine_.load();
            round_soon();
        });
        if (!watch) return tl::unexpected(watch.error());
        watch_ = *std::move(watch);
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
        await_signal();
        tick();
        ask_starting();
        round_soon();
        return {};
    }

    int run() {
        io_.run();
        return exit_status_;
    }

 private:
    void await_signal() {
        signals_.async_wait([this](const boost::system::error_code& error, int number) {
            if (error) return;
            if (number == SIGHUP) {
                spdlog::info("reading the manifests again");
                engine_.load();
                engine_.fleet().reload();
                round_soon();
            } else {
                stop();
            }
            await_signal();
        });
    }

    void stop() {
        if (options_.keep_proxies) {
            spdlog::info("ending; the proxies go on with the grants that they have");
            io_.stop();
        } else if (is_stopping_) {
            spdlog::warn("told to end again: proxies are killed");
            engine_.fleet().kill_all();
        } else {
            spdlog::info("ending; the proxies drain first (again to kill them)");
            is_stopping_ = true;
            watch_.reset();
            engine_.stop();
            round_soon();
        }
    }

    void tick() {
        engine_.fleet().exchange();
        engine_.resources().retry();
        tell_status_fault();
        round_soon();
        ticks_.expires_after(options_.interval);
        ticks_.async_wait([this](const boost::system::error_code& error) {
            if (!error) tick();
        });
    }

    void ask_starting() {
        if (engine_.fleet().is_starting()) engine_.fleet().exchange();
        starting_.expires_after(starting_distance);
        starting_.async_wait([this](const boost::system::error_code& error) {
            if (!error) ask_starting();
        });
    }

    void round_soon() {
        if (is_round_due_) return;
        is_round_due_ = true;
        rounds_.expires_at(std::max(steady_clock::now(), last_round_ + round_distance));
        rounds_.async_wait([this](const boost::system::error_code& error) {
            is_round_due_ = false;
            if (!error) round();
        });
    }

    void round() {
        last_round_ = steady_clock::now();
        const domain::Plan plan =
            reconcile::reconcile(engine_, memory_, {last_round_, wall_time()});
        const std::chrono::duration<double> took = steady_clock::now() - last_round_;
        counters_.add_reconcile(took.count());
        counters_.grants_pushed += plan.grants.size();
        counters_.count_violations(engine_.observe().pools);
        if (is_stopping_ && engine_.fleet().all_gone()) return finish_stopping();
        if (options_.once) end_if_ready();
    }

    // One more round has just told that no proxy is left.
    void finish_stopping() {
        engine_.fleet().forget_gone();
        spdlog::info("all proxies have ended");
        io_.stop();
    }

    void end_if_ready() {
        const domain::Observed observed = engine_.observe();
        const bool is_ready =
            std::all_of(observed.pools.begin(), observed.pools.end(), [](const auto& pool) {
                return std::any_of(
                    pool.status.conditions.begin(),
                    pool.status.conditions.end(),
                    [&](const api::Condition& condition) {
                        return condition.type == api::conditions::ready &&
                               condition.status == api::ConditionStatus::True &&
                               condition.observed_generation == pool.metadata.generation;
                    }
                );
            });
        const bool is_late = steady_clock::now() - started_ > options_.once_timeout;
        if (!is_ready && !is_late) return;
        if (!is_ready)
            spdlog::error("not every pool is Ready; see penstock-operator describe cpool");
        exit_status_ = is_ready && engine_.resources().faults().empty() ? 0 : 1;
        io_.stop();
    }

    // Once when it begins and once when it ends.
    void tell_status_fault() {
        const std::string& fault = engine_.resources().status_files().fault();
        if (fault == told_status_fault_) return;
        if (fault.empty()) {
            spdlog::info("status files are written again");
        } else {
            spdlog::error("status files are not current, all else goes on: {}", fault);
        }
        told_status_fault_ = fault;
    }

    http::Reply answer(const http::Request& request) {
        if (request.target == "/healthz") return {200, "text/plain", "ok\n"};
        if (request.target == "/readyz") {
            const bool is_ready = counters_.reconciles > 0 && !is_stopping_;
            return {is_ready ? 200 : 503, "text/plain", is_ready ? "ok\n" : "not ready\n"};
        }
        if (request.target != "/metrics")
            return {404, "text/plain", "try /metrics, /healthz or /readyz\n"};
        return {200, "text/plain; version=0.0.4", metrics_text()};
    }

    std::string metrics_text() {
        metrics::Families families;
        metrics::add_operator(families, engine_.observe(), counters_);
        families.counter(
            "penstock_proxies_started_total",
            "Proxies started.",
            static_cast<double>(engine_.fleet().started())
        );
        families.counter(
            "penstock_proxies_crashed_total",
            "Proxies that ended untold.",
            static_cast<double>(engine_.fleet().crashed())
        );
        families.counter(
            "penstock_status_write_failures_total",
            "Status files that could not be written.",
            static_cast<double>(engine_.resources().status_files().failures())
        );
        families.gauge(
            "penstock_manifest_faults",
            "Faults in the manifests.",
            static_cast<double>(engine_.resources().faults().size())
        );
        return families.text();
    }

    const LocalOptions options_;
    const steady_clock::time_point started_ = steady_clock::now();
    boost::asio::io_context io_{1};
    boost::asio::signal_set signals_{io_, SIGINT, SIGTERM, SIGHUP};
    boost::asio::steady_timer ticks_{io_};
    boost::asio::steady_timer starting_{io_};
    boost::asio::steady_timer rounds_{io_};
    HostEngine engine_;
    domain::Memory memory_;
    std::unique_ptr<ManifestWatch> watch_;
    std::unique_ptr<http::Server> server_;
    metrics::OperatorCounters counters_;
    std::string told_status_fault_;
    steady_clock::time_point last_round_{};
    bool is_round_due_ = false;
    bool is_stopping_ = false;
    int exit_status_ = 0;
};

}  // namespace

int run_local(const LocalOptions& options) {
    const auto failed = [](const api::Error& error) {
        spdlog::error("{}", api::to_string(error));
        return 1;
    };
    auto state = StateFolder::open(options.state_folder());
    if (!state) return failed(state.error());
    const auto epoch = state->next_epoch();
    if (!epoch) return failed(epoch.error());
    spdlog::info(
        "manifests in {}, state in {}, epoch {}",
        options.manifests.string(),
        state->path().string(),
        *epoch
    );
    LocalOperator running(options, *state, *epoch);
    if (const auto begun = running.begin(); !begun) return failed(begun.error());
    return running.run();
}

}  // namespace penstock::host
