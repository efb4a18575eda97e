#include "operator/host/host_fleet.hpp"

#include "crds/api/encode.hpp"
#include "operator/domain/rollout.hpp"
#include "operator/host/secret_files.hpp"

#include <algorithm>

#include <spdlog/spdlog.h>

namespace penstock::host {

namespace {

using std::chrono::steady_clock;

// Beyond drain.timeoutSeconds, in which a proxy ends by itself.
constexpr std::chrono::seconds kill_grace{30};

}  // namespace

HostFleet::HostFleet(ProxySurroundings surroundings, std::filesystem::path secrets)
    : surroundings_(std::move(surroundings)), secrets_(std::move(secrets)) {}

HostFleet::~HostFleet() = default;

void HostFleet::adopt() {
    for (const ProxyRecord& record : load_proxies(surroundings_.proxies))
        proxies_.push_back(HostProxy::adopt(surroundings_, record));
    // What ended while no operator watched is counted by the database alone.
    forget_gone();
    for (const auto& proxy : proxies_) proxy->exchange();
}

std::vector<domain::Proxy> HostFleet::proxies() const {
    std::vector<domain::Proxy> seen;
    for (const auto& proxy : proxies_) seen.push_back(proxy->seen());
    return seen;
}

void HostFleet::apply(const domain::Workload& workload) {
    applied_[workload.pool] = {
        workload.config.listen.port,
        std::chrono::seconds(workload.config.drain.timeout_seconds) + kill_grace};
    std::string missing;
    for (const std::string& each : missing_secrets(api::encode(workload.config), secrets_))
        missing += (missing.empty() ? "" : "; ") + each;
    note(missing_, workload.pool, missing);
    const std::string fault = port_fault(workload);
    note(faults_, workload.pool, fault);
    if (missing.empty() && fault.empty()) roll(workload);
}

// Keeps the word, or forgets it if it is empty. A new one is logged.
void HostFleet::note(
    std::map<std::string, std::string>& words, const std::string& pool, const std::string& word
) {
    if (word.empty()) {
        words.erase(pool);
        return;
    }
    std::string& known = words[pool];
    if (known != word) spdlog::warn("pool {}: {}", pool, word);
    known = word;
}

// The kernel would spread clients over the proxies of both pools. Who runs on the port keeps it.
std::string HostFleet::port_fault(const domain::Workload& workload) const {
    const std::int32_t port = applied_.at(workload.pool).port;
    for (const auto& [pool, other] : applied_) {
        if (pool == workload.pool || other.port != port) continue;
        const bool here = has_living(workload.pool), there = has_living(pool);
        if (here == there ? pool < workload.pool : there)
            return "spec.listen.port " + std::to_string(port) + " is also that of pool " + pool +
                   "; give one of them another port";
    }
    return "";
}

void HostFleet::roll(const domain::Workload& workload) {
    note_crashes();
    for (const auto& proxy : proxies_) {
        const domain::Proxy& seen = proxy->seen();
        const bool is_current = seen.pool == workload.pool &&
                                seen.restart_hash == workload.restart_hash &&
                                seen.phase != domain::ProxyPhase::Gone;
        if (!is_current) continue;
        if (const auto done = proxy->configure(workload.config); !done)
            faults_[workload.pool] = api::to_string(done.error());
    }
    const domain::RolloutStep step = domain::next_step(workload, proxies());
    for (const std::string& id : step.drain) {
        if (HostProxy* proxy = find(id)) proxy->drain(drain_time(workload.pool));
    }
    start_proxies(workload, std::min(step.start, workload.starts_allowed));
}

void HostFleet::start_proxies(const domain::Workload& workload, std::int32_t count) {
    if (count <= 0) return;
    Starts& starts = starts_[workload.pool];
    const auto now = steady_clock::now();
    if (!starts.delay.may_start(now)) {
        faults_[workload.pool] = "proxies end soon after their start, " +
                                 std::to_string(starts.delay.ends()) + " in a row; the last " +
                                 starts.last_end;
        return;
    }
    for (std::int32_t i = 0; i < count; ++i) {
        auto proxy = HostProxy::start(surroundings_, workload);
        if (!proxy) {
            faults_[workload.pool] = api::to_string(proxy.error());
            spdlog::error("pool {}: {}", workload.pool, faults_[workload.pool]);
            starts.delay.ended(now, now);
            starts.last_end = "could not be started: " + faults_[workload.pool];
            return;
        }
        proxies_.push_back(*std::move(proxy));
        ++started_;
    }
}

// A crash counts once against its pool's next start.
void HostFleet::note_crashes() {
    for (const auto& proxy : proxies_) {
        const domain::Proxy& seen = proxy->seen();
        const auto counted = std::find(counted_crashes_.begin(), counted_crashes_.end(), seen.id);
        if (!proxy->has_crashed() || counted != counted_crashes_.end()) continue;
        ++crashed_;
        starts_[seen.pool].delay.ended(seen.started, seen.ended);
        starts_[seen.pool].last_end = seen.fault;
        counted_crashes_.push_back(seen.id);
    }
}

void HostFleet::remove(const std::string& pool) {
    for (const auto& proxy : proxies_) {
        if (proxy->seen().pool == pool) proxy->drain(drain_time(pool));
    }
    faults_.erase(pool);
    missing_.erase(pool);
    starts_.erase(pool);
    // The port stays taken until the last proxy has ended.
    if (!has_living(pool)) applied_.erase(pool);
}

void HostFleet::push(const domain::GrantPush& push) {
    if (HostProxy* proxy = find(push.proxy_id)) proxy->push(push.grant);
}

void HostFleet::forget(const std::string& proxy_id) {
    const auto at = std::find_if(proxies_.begin(), proxies_.end(), [&](const auto& proxy) {
        return proxy->seen().id == proxy_id;
    });
    if (at == proxies_.end() || (*at)->seen().phase != domain::ProxyPhase::Gone) return;
    note_crashes();
    std::erase(counted_crashes_, proxy_id);
    (*at)->remove_files();
    proxies_.erase(at);
}

void HostFleet::exchange() {
    for (const auto& proxy : proxies_) proxy->exchange();
}

bool HostFleet::is_starting() const {
    return std::any_of(proxies_.begin(), proxies_.end(), [](const auto& proxy) {
        return proxy->seen().phase == domain::ProxyPhase::Starting;
    });
}

void HostFleet::reload() {
    for (const auto& proxy : proxies_) proxy->reload();
}

void HostFleet::drain_all() {
    for (const auto& proxy : proxies_) proxy->drain(drain_time(proxy->seen().pool));
}

void HostFleet::kill_all() {
    for (const auto& proxy : proxies_) proxy->kill();
}

bool HostFleet::all_gone() const {
    return std::all_of(proxies_.begin(), proxies_.end(), [](const auto& proxy) {
        return proxy->seen().phase == domain::ProxyPhase::Gone;
    });
}

void HostFleet::forget_gone() {
    for (const domain::Proxy& proxy : proxies()) forget(proxy.id);
}

bool HostFleet::has_living(const std::string& pool) const {
    return std::any_of(proxies_.begin(), proxies_.end(), [&](const auto& proxy) {
        return proxy->seen().pool == pool && proxy->seen().phase != domain::ProxyPhase::Gone;
    });
}

HostProxy* HostFleet::find(const std::string& proxy_id) const {
    for (const auto& proxy : proxies_) {
        if (proxy->seen().id == proxy_id) return proxy.get();
    }
    return nullptr;
}

std::chrono::seconds HostFleet::drain_time(const std::string& pool) const {
    const auto at = applied_.find(pool);
    return at == applied_.end() ? Applied{}.drain_time : at->second.drain_time;
}

}  // namespace penstock::host
