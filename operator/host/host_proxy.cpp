#include "operator/host/host_proxy.hpp"

#include "operator/host/files.hpp"

#include <csignal>

#include <spdlog/spdlog.h>

namespace penstock::host {

namespace {

using std::chrono::steady_clock;

constexpr std::chrono::milliseconds exchange_timeout{1000};
constexpr std::uintmax_t log_bytes_max = 16 * 1024 * 1024;

// "default/orders" -> "default_orders.log"
std::string log_name(std::string pool) {
    std::replace(pool.begin(), pool.end(), '/', '_');
    return pool + ".log";
}

}  // namespace

HostProxy::HostProxy(const ProxySurroundings& surroundings, ProxyRecord record)
    : surroundings_(surroundings),
      folder_(surroundings.proxies, record.id),
      record_(std::move(record)) {
    seen_.id = record_.id;
    seen_.pool = record_.pool;
    seen_.restart_hash = record_.restart_hash;
    seen_.started = steady_clock::now();
}

api::Result<std::unique_ptr<HostProxy>> HostProxy::start(
    const ProxySurroundings& surroundings, const domain::Workload& workload
) {
    const ProxyRecord record{
        new_proxy_id(workload.pool), workload.pool, workload.restart_hash, {}, false};
    std::unique_ptr<HostProxy> proxy(new HostProxy(surroundings, record));
    const auto undo = [&](const api::Error& error) {
        const auto removed = remove_tree(proxy->folder_.path());
        if (!removed) spdlog::warn("{}", api::to_string(removed.error()));
        return tl::unexpected(error);
    };
    if (const auto made = proxy->folder_.create(); !made) return undo(made.error());
    const auto config = proxy->folder_.complete(workload.config, record.id);
    if (const auto written = proxy->folder_.write_config(config); !written)
        return undo(written.error());
    // Before the process exists: one that nobody knows would hold connections that nobody counts.
    if (const auto saved = proxy->folder_.save(record); !saved) return undo(saved.error());

    const std::filesystem::path log_file = surroundings.logs / log_name(workload.pool);
    rotate_log(log_file, log_bytes_max);
    const auto identity = launch(
        {{surroundings.program.string(), "--config", proxy->folder_.config_file().string()},
         log_file}
    );
    if (!identity) return undo(identity.error());
    proxy->record_.process = *identity;
    proxy->save_record();
    proxy->watch();
    spdlog::info("pool {}: started proxy {}, pid {}", workload.pool, record.id, identity->pid);
    return proxy;
}

std::unique_ptr<HostProxy> HostProxy::adopt(
    const ProxySurroundings& surroundings, const ProxyRecord& record
) {
    std::unique_ptr<HostProxy> proxy(new HostProxy(surroundings, record));
    if (record.draining) proxy->seen_.phase = domain::ProxyPhase::Draining;
    proxy->watch();
    if (proxy->process_) {
        proxy->save_record();
        spdlog::info(
            "pool {}: took over proxy {}, pid {}", record.pool, record.id, record.process.pid
        );
    }
    return proxy;
}

void HostProxy::watch() {
    if (record_.process.pid != 0) {
        process_ = Process::watch(
            surroundings_.io, record_.process, [this](const std::string& how) { ended(how); }
        );
    }
    if (!process_) ended("gone");
}

void HostProxy::ended(const std::string& how) {
    const bool was_told = seen_.phase == domain::ProxyPhase::Draining;
    crashed_ = !was_told;
    seen_.phase = domain::ProxyPhase::Gone;
    seen_.ready = false;
    seen_.ended = steady_clock::now();
    seen_.fault = was_told ? ""
                           : "ended: " + how + "; its log is " +
                                 (surroundings_.logs / log_name(seen_.pool)).string();
    exchange_.reset();
    waiting_grant_.reset();
    if (was_told) {
        spdlog::info("pool {}: proxy {} has drained and ended: {}", seen_.pool, seen_.id, how);
    } else {
        spdlog::warn("pool {}: proxy {} {}", seen_.pool, seen_.id, seen_.fault);
    }
    surroundings_.on_news();
}

api::Result<void> HostProxy::configure(const api::DataplaneConfig& config) {
    const auto changed = folder_.write_config(folder_.complete(config, seen_.id));
    if (!changed) return tl::unexpected(changed.error());
    if (*changed) reload();
    return {};
}

void HostProxy::reload() {
    if (process_) process_->signal(SIGHUP);
}

void HostProxy::push(const api::Grant& grant) {
    waiting_grant_ = grant;
    exchange();
}

void HostProxy::exchange() {
    if (kill_at_ && steady_clock::now() >= *kill_at_ && !was_killed_) {
        spdlog::warn("pool {}: proxy {} has not drained in time; killed", seen_.pool, seen_.id);
        kill();
    }
    if (seen_.phase == domain::ProxyPhase::Gone || (exchange_ && exchange_->is_busy())) return;
    if (!exchange_) {
        const auto port = folder_.admin_port();
        const auto token = folder_.read_token();
        if (!port || !token) return;
        exchange_ = std::make_unique<http::Exchange>(
            surroundings_.io, http::on_this_host(*port, *token), exchange_timeout
        );
    }
    send_report_request();
}

void HostProxy::send_report_request() {
    const auto on_reply = [this, asked = steady_clock::now()](api::Result<api::Report> report) {
        on_report(std::move(report), asked);
    };
    if (!waiting_grant_) return exchange_->ask(on_reply);
    const api::Grant grant = *waiting_grant_;
    waiting_grant_.reset();
    exchange_->push(grant, on_reply);
}

void HostProxy::on_report(api::Result<api::Report> report, domain::Time asked) {
    if (!report) return exchange_failed(api::to_string(report.error()));
    if (report->proxy_id != seen_.id) {
        exchange_.reset();
        return exchange_failed("another proxy answers at its admin port: " + report->proxy_id);
    }
    seen_.report = *std::move(report);
    seen_.reported = asked;
    seen_.fault.clear();
    if (seen_.report->draining) {
        seen_.phase = domain::ProxyPhase::Draining;
    } else if (seen_.phase == domain::ProxyPhase::Starting) {
        seen_.phase = domain::ProxyPhase::Running;
    }
    ask_if_ready();
}

void HostProxy::ask_if_ready() {
    exchange_->ask_if_ready([this](bool is_ready) {
        seen_.ready = is_ready;
        if (waiting_grant_) send_report_request();
        surroundings_.on_news();
    });
}

void HostProxy::exchange_failed(std::string fault) {
    if (fault != seen_.fault) spdlog::warn("pool {}: proxy {}: {}", seen_.pool, seen_.id, fault);
    seen_.fault = std::move(fault);
    seen_.ready = false;
    surroundings_.on_news();
}

void HostProxy::drain(std::chrono::seconds time) {
    if (!process_ || seen_.phase == domain::ProxyPhase::Gone) return;
    if (kill_at_) return;
    seen_.phase = domain::ProxyPhase::Draining;
    seen_.ready = false;
    record_.draining = true;
    save_record();
    process_->signal(SIGTERM);
    kill_at_ = steady_clock::now() + time;
}

void HostProxy::kill() {
    was_killed_ = true;
    if (process_) process_->signal(SIGKILL);
}

void HostProxy::remove_files() {
    if (const auto removed = remove_tree(folder_.path()); !removed)
        spdlog::warn("{}", api::to_string(removed.error()));
}

void HostProxy::save_record() {
    if (const auto saved = folder_.save(record_); !saved)
        spdlog::error("{}", api::to_string(saved.error()));
}

}  // namespace penstock::host
