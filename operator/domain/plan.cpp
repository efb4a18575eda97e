#include "operator/domain/plan.hpp"

#include "operator/domain/attachment.hpp"
#include "operator/domain/events.hpp"
#include "operator/domain/fleet_view.hpp"
#include "operator/domain/memory.hpp"
#include "operator/domain/policy_status.hpp"
#include "operator/domain/pool_status.hpp"
#include "operator/domain/workload.hpp"

#include <algorithm>
#include <utility>

namespace penstock::domain {

namespace {

// A process that ended where no database answers: nobody can show its connections closed. It is
// forgotten after the time in which a database notices by itself; until facts come nothing grows.
constexpr std::chrono::seconds forget_unseen{30};

void update_throttle(
    PoolView& pool, const PoolLine& line, const Attachments& attachments, Time now
) {
    std::vector<Signal> signals;
    std::int32_t granted = 0;
    for (std::size_t i = 0; i < pool.proxies.size(); ++i) {
        const ProxyView& view = pool.proxies[i];
        if (!line.proxies[i].active) continue;
        signals.push_back({&*view.proxy->report, view.proxy->reported});
        granted += view.memory->account.granted();
    }
    pool.memory->latency.add(signals, now);
    const auto attached = attachments.by_pool.find(pool.key);
    const std::string policy =
        attached == attachments.by_pool.end() ? "" : key(attached->second->metadata);
    if (pool.memory->policy != policy) pool.memory->throttle = Throttle{};
    pool.memory->policy = policy;
    pool.memory->policy_enforced = false;
    if (policy.empty()) return;
    const api::BackpressureSpec& spec = attached->second->spec;
    pool.memory->policy_enforced = spec.mode == api::BackpressureMode::Enforce;
    pool.memory->throttle.update(spec, signals, granted, now);
}

// By proxy of the pool; nothing for those that take no part.
std::vector<std::optional<api::Throttle>> throttles_of(
    const PoolView& pool, const PoolLine& line, const api::BackpressureSpec& policy
) {
    std::vector<std::int32_t> grants;
    for (const ProxyLine& proxy : line.proxies)
        if (proxy.active) grants.push_back(proxy.grant.value_or(proxy.expected));
    const std::vector<api::Throttle> parts = split(pool.memory->throttle, policy, grants);
    std::vector<std::optional<api::Throttle>> result(line.proxies.size());
    std::size_t next = 0;
    for (std::size_t i = 0; i < result.size(); ++i)
        if (line.proxies[i].active) result[i] = parts[next++];
    return result;
}

// Pushes what differs from what is in force: reductions of all pools before any growth.
void push_grants(
    const std::vector<DatabaseView>& databases,
    const Attachments& attachments,
    Memory& memory,
    Time now,
    Plan& plan
) {
    if (memory.superseded_by > 0) return;
    std::vector<GrantPush> growth;
    for (const DatabaseView& database : databases)
        for (std::size_t p = 0; p < database.pools.size(); ++p) {
            const PoolView& pool = database.pools[p];
            const PoolLine& line = database.line.pools[p];
            const auto attached = attachments.by_pool.find(pool.key);
            std::vector<std::optional<api::Throttle>> throttles(pool.proxies.size());
            if (attached != attachments.by_pool.end())
                throttles = throttles_of(pool, line, attached->second->spec);
            for (std::size_t i = 0; i < pool.proxies.size(); ++i) {
                const ProxyView& view = pool.proxies[i];
                const ProxyLine& proxy = line.proxies[i];
                Account& account = view.memory->account;
                if (view.proxy->phase == ProxyPhase::Gone || !account.reported()) continue;
                // Its floor is not paid for yet: it runs on its configuration.
                const bool fenced = account.fenced(memory.epoch);
                if (proxy.on_reserve && fenced) continue;
                api::Grant grant;
                grant.server_connections =
                    fenced ? proxy.grant.value_or(proxy.expected) : Account::keep;
                grant.throttle = proxy.active ? throttles[i] : account.throttle();
                if (!account.due(grant.server_connections, grant.throttle, now)) continue;
                grant.epoch = memory.epoch;
                grant.sequence = ++memory.sequence;
                const bool grows = grant.server_connections > account.granted();
                account.issue(grant, now);
                (grows ? growth : plan.grants).push_back({view.proxy->id, grant});
            }
        }
    plan.grants.insert(plan.grants.end(), growth.begin(), growth.end());
}

std::int32_t running_of(const PoolView& pool) {
    return static_cast<std::int32_t>(std::count_if(
        pool.proxies.begin(),
        pool.proxies.end(),
        [](const ProxyView& view) {
            return view.proxy->phase == ProxyPhase::Starting ||
                   view.proxy->phase == ProxyPhase::Running;
        }
    ));
}

bool is_nobody_there(const DatabaseView& database) {
    return !database.fresh &&
           std::all_of(database.pools.begin(), database.pools.end(), [](const PoolView& pool) {
               return running_of(pool) == 0;
           });
}

// Processes that may start now on one database. Where it is not known it may be any: the fullest of
// them decides.
std::int32_t starts_of(const DatabaseView& database, const std::vector<DatabaseView>& databases) {
    std::int32_t starts = starts_allowed(database.line);
    if (!database.facts)
        for (const DatabaseView& other : databases)
            starts = std::min(starts, starts_allowed(other.line));
    return starts;
}

Workload workload_of(
    const DatabaseView& database,
    std::size_t index,
    const Observed& observed,
    bool scout,
    std::int32_t& starts
) {
    const PoolView& pool = database.pools[index];
    const PoolLine& line = database.line.pools[index];
    Workload workload;
    workload.pool = pool.key;
    workload.owner_uid = pool.resource->metadata.uid;
    workload.config = config_of(*pool.resource, observed.secrets_root);
    workload.restart_hash = restart_hash(workload.config);
    workload.replicas = pool.resource->spec.replicas;
    if (database.facts) {
        // A budget that does not carry all proxies keeps more from starting; it ends none.
        const std::int32_t carried = std::max(1, (line.ceiling - line.reserve) / proxy_floor);
        workload.replicas = std::min(workload.replicas, std::max(carried, running_of(pool)));
    }
    workload.starts_allowed = std::min(scout ? 1 : starts_allowed(line), starts);
    starts -= workload.starts_allowed;
    workload.surge = line.free < 0 || database.line.free < 0 ? 0 : rollout_surge;
    return workload;
}

void forget_ended(
    const std::vector<DatabaseView>& databases, Memory& memory, Time now, Plan& plan
) {
    for (const DatabaseView& database : databases)
        for (const PoolView& pool : database.pools)
            for (const ProxyView& view : pool.proxies) {
                if (view.proxy->phase != ProxyPhase::Gone) continue;
                if (!view.memory->end_told && !view.memory->draining_since)
                    plan.events.push_back(proxy_ended(*view.proxy));
                view.memory->end_told = true;
                const bool unseen = !database.fresh && now - view.proxy->ended > forget_unseen;
                if (unseen) memory.facts_needed_after = now + end_margin;
                if (unseen || view.confirmed_gone) plan.forget.push_back(view.proxy->id);
            }
    for (const std::string& id : plan.forget) memory.proxies.erase(id);
}

// What merely breathes is written once in a period at most.
bool may_write(
    std::optional<Time>& written, bool urgent, Time now, std::chrono::milliseconds period
) {
    if (!urgent && written && now - *written < period) return false;
    written = now;
    return true;
}

void write_pool_status(
    const DatabaseView& database,
    std::size_t index,
    const Workload& workload,
    const Observed& observed,
    const Memory& memory,
    const Now& now,
    Plan& plan
) {
    const PoolView& pool = database.pools[index];
    const api::ConnectionPoolStatus& before = pool.resource->status;
    const api::ConnectionPoolStatus after =
        pool_status({observed, memory, database, index, workload, now});
    if (after == before) return;
    const bool urgent = is_urgent(before, after);
    if (!may_write(pool.memory->status_written, urgent, now.time, observed.status_period)) return;
    for (Event& event : pool_events(pool.key, before, after))
        plan.events.push_back(std::move(event));
    plan.pool_statuses.push_back({pool.key, after});
}

void write_policy_statuses(
    const Observed& observed,
    const Attachments& attachments,
    Memory& memory,
    const Now& now,
    Plan& plan
) {
    std::map<std::string, Time> kept;
    for (const api::Backpressure& policy : observed.policies) {
        const std::string name = key(policy.metadata);
        if (!attachments.by_policy.contains(name)) continue;
        const api::BackpressureStatus after =
            policy_status(policy, attachments, observed, memory, now);
        std::optional<Time> written;
        if (const auto found = memory.policy_status_written.find(name);
            found != memory.policy_status_written.end())
            written = found->second;
        const bool urgent = policy.status.conditions != after.conditions;
        if (after != policy.status &&
            may_write(written, urgent, now.time, observed.status_period)) {
            for (Event& event : policy_events(name, policy.status, after))
                plan.events.push_back(std::move(event));
            plan.policy_statuses.push_back({name, after});
        }
        if (written) kept[name] = *written;
    }
    memory.policy_status_written = std::move(kept);
}

}  // namespace

Plan make_plan(const Observed& observed, Memory& memory, const Now& now) {
    Plan plan;
    std::vector<DatabaseView> databases = view_of(observed, memory, now);
    const Attachments attachments = attach(observed);
    for (DatabaseView& database : databases) {
        // Without facts nothing moves.
        if (database.fresh) set_targets(database.line);
        settle(database.line);
        for (std::size_t i = 0; i < database.pools.size(); ++i)
            if (database.pools[i].resource)
                update_throttle(database.pools[i], database.line.pools[i], attachments, now.time);
    }
    push_grants(databases, attachments, memory, now.time, plan);
    for (const DatabaseView& database : databases) {
        std::int32_t starts = starts_of(database, databases);
        // Somebody must ask the database, or nothing that it shows ever changes.
        const bool scout = starts == 0 && is_nobody_there(database);
        if (scout) starts = 1;
        for (std::size_t i = 0; i < database.pools.size(); ++i) {
            if (!database.pools[i].resource) {
                plan.removals.push_back(database.pools[i].key);
                continue;
            }
            const Workload workload = workload_of(database, i, observed, scout, starts);
            write_pool_status(database, i, workload, observed, memory, now, plan);
            plan.workloads.push_back(workload);
        }
    }
    write_policy_statuses(observed, attachments, memory, now, plan);
    forget_ended(databases, memory, now.time, plan);
    for (const DatabaseView& database : databases)
        for (const PoolView& pool : database.pools)
            if (!pool.resource && pool.proxies.empty()) memory.pools.erase(pool.key);
    std::sort(plan.removals.begin(), plan.removals.end());
    // Another operator does the work; status still says so.
    if (memory.superseded_by > 0) {
        plan.workloads.clear();
        plan.removals.clear();
        plan.forget.clear();
    }
    return plan;
}

}  // namespace penstock::domain
