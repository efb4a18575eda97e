#include "operator/domain/pool_status.hpp"

#include "operator/domain/limit.hpp"
#include "operator/domain/percentile.hpp"
#include "operator/domain/pool_conditions.hpp"
#include "operator/domain/quantise.hpp"

#include <algorithm>
#include <string>

namespace penstock::domain {

namespace {

constexpr std::chrono::seconds latency_window{10};

std::int32_t sticky_size(std::int32_t measured, std::int32_t before) {
    return static_cast<std::int32_t>(sticky(measured, before, 10, 1));
}

std::string version_text(std::int32_t version) {
    return std::to_string(version / 10'000) + "." + std::to_string(version % 10'000);
}

std::string_view state_text(const ProxyLine& line, const Proxy& proxy) {
    switch (proxy.phase) {
        case ProxyPhase::Starting:
            return "Starting";
        case ProxyPhase::Draining:
            return "Draining";
        case ProxyPhase::Gone:
            return "Gone";
        case ProxyPhase::Running:
            break;
    }
    return line.active ? "Running" : "Silent";
}

api::DatabaseStatus database_status(
    const api::DatabaseFacts& facts, const std::optional<api::DatabaseStatus>& before
) {
    api::DatabaseStatus status;
    status.system_identifier = facts.system_identifier;
    status.role = facts.in_recovery ? api::DatabaseRole::Standby : api::DatabaseRole::Primary;
    status.server_version = version_text(facts.server_version);
    status.max_connections = facts.max_connections;
    status.reserved_connections = facts.superuser_reserved_connections + facts.reserved_connections;
    status.other_connections = static_cast<std::int32_t>(
        sticky(facts.others, before ? before->other_connections : 0, 20, 2)
    );
    return status;
}

api::LatencyStatus latency_status(LatencyWindow& window, Time now) {
    const Measured measured = window.over(latency_window, now);
    const auto p99 = [](const api::Histogram& histogram) {
        const std::uint64_t us = percentile_us(histogram, 0.99).value_or(0);
        return static_cast<std::int32_t>(one_two_five(static_cast<std::int64_t>((us + 999) / 1000))
        );
    };
    return {p99(measured.wait), p99(measured.query), p99(measured.transaction)};
}

api::ProxyStatus proxy_status(
    const ProxyView& view, const ProxyLine& line, const std::vector<api::ProxyStatus>& before
) {
    api::ProxyStatus last;
    for (const api::ProxyStatus& each : before)
        if (each.name == view.proxy->id) last = each;
    api::ProxyStatus status;
    status.name = view.proxy->id;
    status.state = state_text(line, *view.proxy);
    status.granted = view.memory->account.granted();
    status.servers = sticky_size(view.memory->account.servers(), last.servers);
    if (view.proxy->report) {
        status.clients = sticky_size(view.proxy->report->clients, last.clients);
        status.waiting = static_cast<std::int32_t>(
            sticky(view.proxy->report->clients_waiting, last.waiting, 30, 2)
        );
    }
    return status;
}

std::string resize_reason(const PoolLine& line, std::int32_t before, std::int32_t granted) {
    if (line.fixed) return "FixedSize";
    if (granted > before) return "DemandRose";
    return line.free < 0 || line.share < line.asked ? "BudgetFell" : "DemandFell";
}

api::SizingStatus sizing_status(const PoolStatusInput& input, std::int32_t granted) {
    const PoolView& pool = input.database.pools[input.index];
    const PoolLine& line = input.database.line.pools[input.index];
    const api::ConnectionPoolStatus& before = pool.resource->status;
    const api::SizingStatus last = before.sizing.value_or(api::SizingStatus{});
    api::SizingStatus status = last;
    status.desired = line.fixed ? line.asked : sticky_size(line.asked, last.desired);
    if (pool.resource->spec.sizing.mode == api::SizingMode::Observe)
        status.desired = sticky_size(std::max(line.floor, want_for(pool.demand)), last.desired);
    status.demand_hundredths =
        sticky(static_cast<std::int64_t>(pool.demand * 100), last.demand_hundredths, 20, 50);
    status.limited_by = to_string(limited_by(input.database, input.index));
    const std::int32_t granted_before = before.budget ? before.budget->granted : 0;
    if (input.database.facts && granted != granted_before) {
        status.last_resize_time = input.now.wall;
        status.last_resize_reason = resize_reason(line, granted_before, granted);
    }
    return status;
}

}  // namespace

api::ConnectionPoolStatus pool_status(const PoolStatusInput& input) {
    const DatabaseView& database = input.database;
    const PoolView& pool = database.pools[input.index];
    const PoolLine& line = database.line.pools[input.index];
    const api::ConnectionPoolStatus& before = pool.resource->status;

    api::ConnectionPoolStatus status;
    status.observed_generation = pool.resource->metadata.generation;
    status.selector = std::string{api::labels::pool} + "=" + pool.resource->metadata.name;
    status.epoch = static_cast<std::int64_t>(input.memory.epoch);
    std::int32_t granted = 0;
    std::int32_t servers = 0;
    for (std::size_t i = 0; i < pool.proxies.size(); ++i) {
        const ProxyView& view = pool.proxies[i];
        if (view.proxy->phase == ProxyPhase::Gone) continue;
        granted += view.memory->account.granted();
        servers += view.memory->account.servers();
        status.proxies.push_back(proxy_status(view, line.proxies[i], before.proxies));
        if (view.proxy->phase == ProxyPhase::Draining) {
            ++status.terminating_replicas;
            continue;
        }
        ++status.replicas;
        if (view.proxy->ready) ++status.ready_replicas;
        if (view.proxy->restart_hash == input.workload.restart_hash && view.proxy->report &&
            view.proxy->report->config_generation >= pool.resource->metadata.generation)
            ++status.updated_replicas;
    }
    if (database.facts) {
        status.database = database_status(*database.facts, before.database);
        status.budget = api::BudgetStatus{
            pool.ceiling.connections,
            line.reserve,
            granted,
            sticky_size(servers, before.budget ? before.budget->in_use : 0)};
    }
    status.sizing = sizing_status(input, granted);
    status.limited_by = status.sizing->limited_by;
    status.latency = latency_status(pool.memory->latency, input.now.time);
    if (!pool.memory->policy.empty()) {
        const std::string& policy = pool.memory->policy;
        status.throttle = api::ThrottleStatus{
            policy.substr(policy.find('/') + 1),
            pool.memory->throttle.limit(),
            pool.memory->throttle.state()};
    }
    status.conditions = pool_conditions(input, status);
    return status;
}

bool is_urgent(const api::ConnectionPoolStatus& before, const api::ConnectionPoolStatus& after) {
    if (before.observed_generation != after.observed_generation ||
        before.replicas != after.replicas || before.ready_replicas != after.ready_replicas ||
        before.updated_replicas != after.updated_replicas ||
        before.terminating_replicas != after.terminating_replicas ||
        before.conditions.size() != after.conditions.size())
        return true;
    for (std::size_t i = 0; i < after.conditions.size(); ++i)
        if (before.conditions[i].type != after.conditions[i].type ||
            before.conditions[i].status != after.conditions[i].status ||
            before.conditions[i].reason != after.conditions[i].reason)
            return true;
    return false;
}

}  // namespace penstock::domain
