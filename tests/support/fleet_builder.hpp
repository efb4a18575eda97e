// Pools, proxies and reports for tests of the control core.
#pragma once

#include "crds/api/latency.hpp"
#include "operator/domain/memory.hpp"
#include "operator/domain/observed.hpp"
#include "operator/domain/plan.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace penstock::test {

inline api::ConnectionPool pool(const std::string& name, std::int32_t replicas = 1) {
    api::ConnectionPool pool;
    pool.metadata.name = name;
    pool.metadata.uid = "uid-" + name;
    pool.metadata.generation = 1;
    pool.metadata.creation_timestamp = "2024-05-01T12:00:00Z";
    pool.spec.database.host = "db";
    pool.spec.database.monitor_secret_ref.name = "monitor";
    pool.spec.replicas = replicas;
    pool.spec.budget.max_server_connections_percent = 100;
    pool.spec.sizing.stabilization_window_seconds = 0;
    return pool;
}

inline api::Backpressure policy(const std::string& name, const std::string& target) {
    api::Backpressure policy;
    policy.metadata.name = name;
    policy.metadata.generation = 1;
    policy.metadata.creation_timestamp = "2024-05-01T12:00:00Z";
    policy.spec.target_refs.push_back({api::TargetKind::ConnectionPool, target});
    policy.spec.latency.target_milliseconds = 20;
    policy.spec.latency.minimum_samples = 10;
    return policy;
}

inline api::DatabaseFacts facts(std::int32_t max_connections = 100) {
    api::DatabaseFacts facts;
    facts.system_identifier = "7000000000000000001";
    facts.server_version = 170002;
    facts.max_connections = max_connections;
    facts.superuser_reserved_connections = 3;
    return facts;
}

// A running proxy that has reported at `now`, on its floor.
inline domain::Proxy proxy(const std::string& id, const std::string& pool, domain::Time now) {
    domain::Proxy proxy;
    proxy.id = id;
    proxy.pool = pool;
    proxy.phase = domain::ProxyPhase::Running;
    proxy.ready = true;
    proxy.reported = now;
    api::Report report;
    report.pool = pool;
    report.proxy_id = id;
    report.granted = 1;
    report.config_generation = 1;
    report.facts = facts();
    proxy.report = std::move(report);
    return proxy;
}

// Adds `count` samples of one value.
inline void sample(api::Histogram& histogram, std::uint32_t value_us, std::uint64_t count) {
    histogram.counts.resize(api::bucket_count);
    const auto& bounds = api::bucket_bounds_us;
    const auto bound = std::lower_bound(bounds.begin(), bounds.end(), value_us);
    histogram.counts[static_cast<std::size_t>(bound - bounds.begin())] += count;
    histogram.sum_us += value_us * count;
}

// One operator and its engine, in which every grant arrives at once and what workloads ask for
// runs at once.
class Fleet {
 public:
    domain::Observed observed;
    domain::Memory memory{5};
    domain::Time now{std::chrono::hours{1}};
    domain::Plan plan;
    bool deliver = true;

    // One round, one second later.
    const domain::Plan& round() {
        now += std::chrono::seconds{1};
        for (domain::Proxy& each : observed.proxies)
            if (each.report && each.phase != domain::ProxyPhase::Gone && silent_ != each.id)
                each.reported = now;
        const auto seconds =
            std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count();
        plan = domain::make_plan(observed, memory, {now, "T" + std::to_string(seconds)});
        for (const domain::Workload& workload : plan.workloads)
            for (domain::Proxy& each : observed.proxies)
                if (each.pool == workload.pool && each.restart_hash.empty())
                    each.restart_hash = workload.restart_hash;
        for (const domain::PoolStatusWrite& write : plan.pool_statuses)
            for (api::ConnectionPool& each : observed.pools)
                if (domain::key(each.metadata) == write.pool) each.status = write.status;
        for (const domain::PolicyStatusWrite& write : plan.policy_statuses)
            for (api::Backpressure& each : observed.policies)
                if (domain::key(each.metadata) == write.policy) each.status = write.status;
        for (const std::string& id : plan.forget)
            std::erase_if(observed.proxies, [&](const auto& each) { return each.id == id; });
        for (const domain::GrantPush& push : plan.grants) take(push);
        return plan;
    }

    const domain::Plan& rounds(int count) {
        for (int i = 0; i < count; ++i) round();
        return plan;
    }

    void add(const std::string& id, const std::string& pool_name) {
        observed.proxies.push_back(proxy(id, "default/" + pool_name, now));
    }

    domain::Proxy& at(const std::string& id) {
        return *std::find_if(
            observed.proxies.begin(),
            observed.proxies.end(),
            [&](const auto& each) { return each.id == id; }
        );
    }

    api::Report& report(const std::string& id) { return *at(id).report; }

    // The proxy answers no more.
    void silence(const std::string& id) { silent_ = id; }

    // `connections` are busy and `waiting` clients wait.
    void load(const std::string& id, std::int32_t busy, std::int32_t waiting) {
        report(id).servers_busy = busy;
        report(id).clients_waiting = waiting;
        report(id).oldest_wait_ms = waiting > 0 ? 500 : 0;
    }

    std::string reason(const std::string& type, std::size_t index = 0) const {
        return reason_of(observed.pools[index].status.conditions, type);
    }

    static std::string reason_of(
        const std::vector<api::Condition>& conditions, const std::string& type
    ) {
        for (const api::Condition& each : conditions)
            if (each.type == type) return each.reason;
        return "";
    }

    bool told(const std::string& event_reason) const {
        return std::any_of(plan.events.begin(), plan.events.end(), [&](const auto& event) {
            return event.reason == event_reason;
        });
    }

 private:
    void take(const domain::GrantPush& push) {
        if (!deliver || push.proxy_id == silent_) return;
        api::Report& report = *at(push.proxy_id).report;
        report.epoch = push.grant.epoch;
        report.sequence = push.grant.sequence;
        if (push.grant.server_connections > 0) report.granted = push.grant.server_connections;
    }

    std::string silent_;
};

}  // namespace penstock::test
