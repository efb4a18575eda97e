#include "dataplane/net/control.hpp"

#include "dataplane/net/cpus.hpp"
#include "dataplane/net/held_signals.hpp"
#include "dataplane/net/log.hpp"
#include "dataplane/net/metrics_page.hpp"

#include <chrono>

#include <boost/asio/post.hpp>
#include <signal.h>
#include <spdlog/spdlog.h>

namespace penstock::net {
namespace {

// How often faults are looked at, so that a database that is away makes a line now and then only.
// After drain.timeoutSeconds: for last words to clients and the cancels of what still runs.
constexpr std::chrono::seconds cut_off_grace{2};

constexpr std::chrono::seconds faults_every{5};

std::uint32_t worker_count(const api::DataplaneConfig& document) {
    if (document.workers > 0) return static_cast<std::uint32_t>(document.workers);
    return static_cast<std::uint32_t>(usable_cpus());
}

std::int64_t seconds_since_epoch() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::seconds>(now).count();
}

}  // namespace

Control::Control(Console& console, std::string config_path, Identity identity, const Reading& first)
    : config_path_(std::move(config_path)),
      identity_(std::move(identity)),
      started_with_(first.configuration),
      in_force_(first.configuration),
      contents_(first.contents),
      start_time_seconds_(seconds_since_epoch()),
      console_(console),
      context_(console.context()),
      workers_(
          worker_count(first.configuration->document),
          first.configuration,
          [this] { boost::asio::post(context_, [this] { worker_drained(); }); },
          context_
      ),
      desk_(workers_.board(), first.configuration->document),
      watch_(context_, [this] { reload(Why::FilesChanged); }),
      signals_(context_),
      drain_start_(context_),
      drain_deadline_(context_),
      fault_timer_(context_) {
    console_.show(pages());
    console_.configure(first);
    if (!watch_.watch(first.files)) {
        spdlog::warn("cannot watch all configuration files; send SIGHUP after a change");
    }
}

void Control::run() {
    for (const int signal : {SIGTERM, SIGINT, SIGHUP}) signals_.add(signal);
    wait_for_signal();
    let_signals();
    workers_.start();
    is_listening_ = true;
    facts_.ask(in_force_->monitor);
    watch_faults();
    context_.run();
    workers_.stop();
    spdlog::info("stopped");
}

bool Control::open() {
    const api::DataplaneConfig& document = started_with_->document;
    if (!console_.is_open() && !console_.open(document)) return false;
    const auto clients =
        workers_.listen(document.listen.address, static_cast<std::uint16_t>(document.listen.port));
    if (!clients) {
        spdlog::error("listen: {}", api::to_string(clients.error()));
        return false;
    }
    client_port_ = *clients;
    spdlog::info("listening on {}:{} for clients", document.listen.address, client_port_);
    spdlog::info(
        "{} serves pool {} on {}:{} with {} workers and up to {} server connections",
        document.proxy_id,
        document.pool,
        document.database.host,
        document.database.port,
        workers_.count(),
        desk_.server_connections()
    );
    return true;
}

void Control::wait_for_signal() {
    signals_.async_wait([this](const boost::system::error_code& error, int signal) {
        if (error) return;
        if (signal == SIGHUP) {
            reload(Why::Asked);
        } else {
            spdlog::info("{}", signal == SIGTERM ? "SIGTERM" : "SIGINT");
            drain();
        }
        wait_for_signal();
    });
}

void Control::reload_soon() {
    boost::asio::post(context_, [this] { reload(Why::Asked); });
}

void Control::drain_soon() {
    boost::asio::post(context_, [this] { drain(); });
}

void Control::reload(Why why) {
    if (is_draining_) return;
    Reading reading = read_configuration(config_path_, identity_, in_force_.get());
    watch_.watch(reading.files);
    if (why == Why::FilesChanged && reading.contents == contents_) return;
    contents_ = std::move(reading.contents);
    config_errors_.clear();
    for (const api::Error& warning : reading.warnings) {
        spdlog::warn("{}: {}", config_path_, api::to_string(warning));
    }
    for (const api::Error& fault : reading.faults) {
        config_errors_.push_back(api::to_string(fault));
        spdlog::error("{}", config_errors_.back());
    }
    if (!reading.configuration) {
        ++reloads_refused_;
        spdlog::error("{} has faults: the configuration before stays in force", config_path_);
        return;
    }
    in_force_ = reading.configuration;
    console_.configure(reading);
    for (const api::Error& late : needing_restart(started_with_->document, in_force_->document)) {
        config_errors_.push_back(api::to_string(late));
        spdlog::warn("{}: {}", config_path_, config_errors_.back());
    }
    ++reloads_;
    set_log_level(in_force_->document.log_level);
    desk_.configure(in_force_->document);
    workers_.configure(in_force_);
    workers_.limits_changed();
    facts_.ask(in_force_->monitor);
    spdlog::info("reloaded {}, generation {}", config_path_, in_force_->document.generation);
}

void Control::drain() {
    if (is_draining_) {
        spdlog::warn("asked again to stop: not waiting for clients");
        end();
        return;
    }
    is_draining_ = true;
    const std::chrono::seconds accepting(in_force_->document.drain.accept_seconds.value_or(0));
    if (accepting.count() == 0) return hand_off();
    spdlog::info("no longer ready; draining begins in {} s", accepting.count());
    drain_start_.expires_after(accepting);
    drain_start_.async_wait([this](const boost::system::error_code& cancelled) {
        if (!cancelled) hand_off();
    });
}

void Control::hand_off() {
    const std::chrono::seconds patience(in_force_->document.drain.timeout_seconds);
    spdlog::info(
        "draining: clients leave as their transactions end, within {} s", patience.count()
    );
    workers_.drain();
    // The workers cut their clients off in time themselves; this is for what does not end then.
    drain_deadline_.expires_after(patience + cut_off_grace);
    drain_deadline_.async_wait([this](const boost::system::error_code& cancelled) {
        if (cancelled) return;
        spdlog::warn("drain.timeoutSeconds is over: {} clients are cut off", report().clients);
        end();
    });
}

void Control::worker_drained() {
    if (++workers_drained_ == workers_.count()) end();
}

void Control::end() {
    drain_deadline_.cancel();
    context_.stop();
}

void Control::watch_faults() {
    const auto tell = [](const char* what, std::string now, std::string& before) {
        if (now == before) return;
        before = std::move(now);
        if (before.empty()) {
            spdlog::info("{}: good again", what);
        } else {
            spdlog::warn("{}: {}", what, before);
        }
    };
    tell("server connections", workers_.server_error(), server_fault_);
    tell("database facts", facts_.latest().error, facts_fault_);
    fault_timer_.expires_after(faults_every);
    fault_timer_.async_wait([this](const boost::system::error_code& cancelled) {
        if (!cancelled) watch_faults();
    });
}

AdminPages Control::pages() {
    return {
        .why_not_ready =
            [this] {
                const char* const reason = is_draining_    ? "it is being stopped"
                                           : is_listening_ ? ""
                                                           : "it is starting";
                return std::string(reason);
            },
        .metrics = [this] { return metrics(); },
        .report = [this] { return report(); },
        .take_grant = [this](const api::Grant& grant) { return take_grant(grant); },
        .token = [this] { return in_force_->admin_token; },
    };
}

bool Control::take_grant(const api::Grant& grant) {
    const std::int32_t before = desk_.server_connections();
    if (!desk_.take(grant)) return false;
    workers_.limits_changed();
    if (grant.server_connections != before) {
        spdlog::info("granted {} server connections, before {}", grant.server_connections, before);
    }
    return true;
}

api::Report Control::report() {
    api::Report report;
    report.pool = started_with_->document.pool;
    report.proxy_id = started_with_->document.proxy_id;
    report.epoch = desk_.epoch();
    report.sequence = desk_.sequence();
    report.granted = desk_.server_connections();
    report.config_generation = in_force_->document.generation;
    report.config_errors = config_errors_;
    report.draining = is_draining_;
    count_workers(report, workers_.metrics(), workers_.board(), std::chrono::steady_clock::now());
    postgres::Facts::Latest latest = facts_.latest();
    report.facts = std::move(latest.facts);
    report.facts_error = std::move(latest.error);
    report.server_error = workers_.server_error();
    return report;
}

std::string Control::metrics() {
    const api::Report now = report();
    return metrics_text({workers_.metrics(), now, reloads_, reloads_refused_, start_time_seconds_});
}

}  // namespace penstock::net
