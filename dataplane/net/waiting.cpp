#include "dataplane/net/waiting.hpp"

#include "dataplane/net/held_signals.hpp"
#include "dataplane/net/log.hpp"
#include "dataplane/net/metrics_page.hpp"

#include <chrono>

#include <signal.h>
#include <spdlog/spdlog.h>

namespace penstock::net {
namespace {

// How often to look where the system does not tell: a file whose folder is not there yet.
constexpr std::chrono::milliseconds poll_every{500};

const std::int64_t process_start_seconds = std::chrono::duration_cast<std::chrono::seconds>(
                                               std::chrono::system_clock::now().time_since_epoch()
)
                                               .count();

std::string joined(const std::vector<std::string>& lines) {
    std::string text = "waiting for good files:";
    for (const std::string& line : lines) text += "\n" + line;
    return text;
}

}  // namespace

Waiting::Waiting(Console& console, std::string config_path, const Identity& identity)
    : console_(console),
      config_path_(std::move(config_path)),
      identity_(identity),
      board_(1, document_.server_connections),
      desk_(board_, document_),
      watch_(console.context(), [this] { read_again(); }),
      signals_(console.context()),
      poll_(console.context()) {}

Waiting::End Waiting::run(Reading first) {
    for (const int signal : {SIGTERM, SIGINT, SIGHUP}) signals_.add(signal);
    wait_for_signal();
    let_signals();
    console_.show(pages());
    consider(std::move(first));
    boost::asio::io_context& context = console_.context();
    context.run();
    hold_signals();
    // Nothing of this object is left in the loop that goes on with Control.
    watch_.stop();
    signals_.cancel();
    poll_.cancel();
    is_over_ = true;
    context.restart();
    context.poll();
    context.restart();
    return how_;
}

void Waiting::consider(Reading reading) {
    reading_ = std::move(reading);
    if (reading_.document) {
        document_ = *reading_.document;
        set_up_log(document_.log_format, document_.log_level);
        desk_.configure(document_);
        if (!console_.is_open() && !console_.open(document_)) return end(End::CannotListen);
        console_.configure(reading_);
    }
    log_new_faults();
    if (reading_.configuration) return end(End::Good);
    if (watch_.watch(reading_.files)) return;
    poll_.expires_after(poll_every);
    poll_.async_wait([this](const boost::system::error_code& cancelled) {
        if (!cancelled) read_again();
    });
}

void Waiting::read_again() {
    if (!is_over_) consider(read_configuration(config_path_, identity_));
}

void Waiting::end(End how) {
    how_ = how;
    is_over_ = true;
    console_.context().stop();
}

void Waiting::wait_for_signal() {
    signals_.async_wait([this](const boost::system::error_code& error, int signal) {
        if (error || is_over_) return;
        if (signal == SIGHUP) {
            read_again();
        } else {
            spdlog::info("{}: ends while it waits", signal == SIGTERM ? "SIGTERM" : "SIGINT");
            end(End::Asked);
        }
        wait_for_signal();
    });
}

void Waiting::log_new_faults() {
    std::vector<std::string> now;
    for (const api::Error& fault : reading_.faults) now.push_back(api::to_string(fault));
    if (now == faults_) return;
    faults_ = std::move(now);
    for (const std::string& fault : faults_) spdlog::warn("waiting: {}", fault);
}

AdminPages Waiting::pages() {
    return {
        .why_not_ready = [this] { return joined(faults_); },
        .metrics =
            [this] {
                const api::Report now = report();
                return metrics_text({{}, now, 0, 0, process_start_seconds});
            },
        .report = [this] { return report(); },
        .take_grant = [this](const api::Grant& grant) { return desk_.take(grant); },
        .token = [] { return std::string(); },
    };
}

api::Report Waiting::report() const {
    api::Report report;
    report.pool = document_.pool;
    report.proxy_id = document_.proxy_id;
    report.epoch = desk_.epoch();
    report.sequence = desk_.sequence();
    report.granted = desk_.server_connections();
    report.config_errors = faults_;
    count_workers(report, {}, board_, std::chrono::steady_clock::now());
    return report;
}

}  // namespace penstock::net
