#include "operator/kube/pod_proxy.hpp"

#include <utility>

#include <spdlog/spdlog.h>

namespace penstock::kube {

namespace {

using domain::ProxyPhase;
using std::chrono::steady_clock;

constexpr std::chrono::milliseconds exchange_timeout{2000};

}  // namespace

PodProxy::PodProxy(
    const ProxySurroundings& surroundings,
    const objects::PodFacts& pod,
    bool inherited,
    std::string previous
)
    : surroundings_(surroundings), previous_(std::move(previous)), container_(previous_) {
    // Until it reports: a name that no proxy can have, as ids end in a part that Pods lack.
    seen_.id = "pod/" + pod.name_space + "/" + pod.name;
    seen_.pool = pod.pool;
    seen_.restart_hash = pod.restart_hash;
    seen_.started = steady_clock::now();
    seen_.inherited = inherited;
    pod_.ip = pod.ip;
    see(pod);
}

PodProxy::~PodProxy() = default;

void PodProxy::see(const objects::PodFacts& given) {
    if (seen_.phase == ProxyPhase::Gone) return;
    objects::PodFacts pod = given;
    if (!previous_.empty() && pod.container_id == previous_) {
        pod.container_id.clear();
        pod.running = pod.ready = false;
    }
    const bool is_another = !pod_.container_id.empty() && pod.container_id != pod_.container_id;
    const bool was_running = pod_.running;
    const bool has_moved = pod.ip != pod_.ip;
    pod_ = pod;
    if (!is_another && !pod.container_id.empty()) container_ = pod.container_id;
    if (pod.ended || is_another || (was_running && !pod.running)) {
        end(pod.fault);
        return;
    }
    if (has_moved) exchange_.reset();
    seen_.ready = pod.ready && !pod.terminating;
    if (pod.terminating) seen_.phase = ProxyPhase::Draining;
    if (!pod.fault.empty()) fail(pod.fault);
}

void PodProxy::see_no_pod() {
    if (seen_.phase != ProxyPhase::Gone) end("");
}

void PodProxy::end(const std::string& why) {
    const bool was_told = seen_.phase == ProxyPhase::Draining;
    seen_.phase = ProxyPhase::Gone;
    seen_.ready = false;
    seen_.ended = steady_clock::now();
    seen_.fault = was_told || why.empty() ? "" : "ended: " + why;
    exchange_.reset();
    waiting_grant_.reset();
    surroundings_.on_news();
}

void PodProxy::push(const api::Grant& grant) {
    waiting_grant_ = grant;
    exchange();
}

void PodProxy::exchange() {
    if (seen_.phase == ProxyPhase::Gone || pod_.ip.empty() || !pod_.running) return;
    if (exchange_ && exchange_->is_busy()) return;
    if (!exchange_) {
        auto access = surroundings_.access(pod_);
        if (!access) return;
        exchange_ = std::make_unique<http::Exchange>(
            surroundings_.io, *std::move(access), exchange_timeout
        );
    }
    const auto on_answer = [this, asked = steady_clock::now()](api::Result<api::Report> report) {
        on_report(report, asked);
    };
    if (waiting_grant_ && has_reported()) {
        const api::Grant grant = *waiting_grant_;
        waiting_grant_.reset();
        exchange_->push(grant, on_answer);
    } else {
        exchange_->ask(on_answer);
    }
}

void PodProxy::on_report(const api::Result<api::Report>& report, domain::Time asked) {
    if (!report) {
        fail(api::to_string(report.error()));
        // New keys, when the old ones were the reason.
        exchange_.reset();
        surroundings_.on_news();
        return;
    }
    if (has_reported() && report->proxy_id != seen_.id) {
        // The container has started anew and its status has not arrived yet.
        end("another process answers at its address");
        return;
    }
    seen_.id = report->proxy_id;
    seen_.report = *report;
    seen_.reported = asked;
    seen_.fault.clear();
    if (report->draining || pod_.terminating) {
        seen_.phase = ProxyPhase::Draining;
    } else if (seen_.phase == ProxyPhase::Starting) {
        seen_.phase = ProxyPhase::Running;
    }
    if (waiting_grant_) exchange();
    surroundings_.on_news();
}

void PodProxy::fail(const std::string& fault) {
    if (fault != seen_.fault) spdlog::warn("pool {}: Pod {}: {}", seen_.pool, pod_.name, fault);
    seen_.fault = fault;
}

}  // namespace penstock::kube
