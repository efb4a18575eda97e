#include "operator/domain/fleet_view.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <string_view>
#include <utility>

namespace penstock::domain {

namespace {

std::string endpoint_of(const api::ConnectionPool& pool) {
    return pool.spec.database.host + ":" + std::to_string(pool.spec.database.port);
}

// Standbys of one primary share its system identifier, but each has connections of its own.
std::string database_of(const api::DatabaseFacts& facts, const std::string& endpoint) {
    return facts.in_recovery ? facts.system_identifier + "/standby/" + endpoint
                             : facts.system_identifier + "/primary";
}

bool has_facts(const Proxy& proxy) {
    return proxy.report && proxy.report->facts && !proxy.report->facts->system_identifier.empty();
}

Time facts_time(const Proxy& proxy) {
    return proxy.reported - std::chrono::milliseconds{proxy.report->facts->age_ms};
}

void take_reports(const Observed& observed, Memory& memory, Time now) {
    const bool first_round = !memory.began;
    if (first_round) memory.began = memory.facts_needed_after = now;
    const bool all_inherited = first_round && !observed.inherited_is_told;
    std::set<std::string_view> present;
    for (const Proxy& proxy : observed.proxies) present.insert(proxy.id);
    std::erase_if(memory.proxies, [&](const auto& entry) {
        return !present.contains(entry.first);
    });
    for (const Proxy& proxy : observed.proxies) {
        auto [entry, added] = memory.proxies.try_emplace(proxy.id);
        ProxyMemory& known = entry->second;
        if (added) known.account = Account{all_inherited || proxy.inherited};
        if (proxy.phase == ProxyPhase::Draining && !known.draining_since)
            known.draining_since = now;
        if (!proxy.report || proxy.report->proxy_id != proxy.id) continue;
        known.account.take(*proxy.report, proxy.reported);
        known.demand.add(*proxy.report, proxy.reported);
        if (proxy.report->epoch > memory.epoch)
            memory.superseded_by = std::max(memory.superseded_by, proxy.report->epoch);
    }
}

std::map<std::string, PoolView> pools_of(const Observed& observed, Memory& memory) {
    std::map<std::string, PoolView> pools;
    for (const api::ConnectionPool& pool : observed.pools) {
        if (!pool.metadata.deletion_timestamp.empty()) continue;
        pools[domain::key(pool.metadata)].resource = &pool;
    }
    // A deleted pool is seen once more, so that it is removed.
    for (const auto& [key, known] : memory.pools) pools.try_emplace(key);
    for (const Proxy& proxy : observed.proxies)
        pools[proxy.pool].proxies.push_back({&proxy, &memory.proxies.at(proxy.id)});
    for (auto& [key, view] : pools) {
        view.key = key;
        view.memory = &memory.pools[key];
        std::sort(view.proxies.begin(), view.proxies.end(), [](const auto& a, const auto& b) {
            return a.proxy->id < b.proxy->id;
        });
    }
    return pools;
}

// The pool's database by its proxies' newest facts; memory keeps it.
void find_database(PoolView& pool, Memory& memory) {
    const Proxy* newest = nullptr;
    for (const ProxyView& each : pool.proxies)
        if (has_facts(*each.proxy) && (!newest || facts_time(*each.proxy) > facts_time(*newest)))
            newest = each.proxy;
    if (!newest) return;
    const std::string endpoint = pool.resource ? endpoint_of(*pool.resource) : pool.key;
    const std::string key = database_of(*newest->report->facts, endpoint);
    DatabaseMemory& database = memory.databases[key];
    pool.memory->database = key;
    if (database.facts && facts_time(*newest) <= database.facts_at) return;
    database.facts = newest->report->facts;
    database.facts_at = facts_time(*newest);
}

std::int32_t seen_of(const DatabaseView& database, const std::string& id) {
    if (!database.facts) return 0;
    const auto found = database.facts->seen.find(api::proxy_tag(id));
    return found == database.facts->seen.end() ? 0 : found->second;
}

ProxyLine line_of(
    ProxyView& view, const DatabaseView& database, const PoolView& pool, Time facts_at, Time now
) {
    const Proxy& proxy = *view.proxy;
    const Account& account = view.memory->account;
    const std::int32_t seen = seen_of(database, proxy.id);
    ProxyLine line;
    line.id = proxy.id;
    line.charge = account.charge(seen);
    line.expected = line.target = account.expected();
    if (proxy.phase == ProxyPhase::Gone) {
        // The process opens no more: what the database showed after its end is all there is.
        if (database.facts && facts_at >= proxy.ended + end_margin) {
            line.charge = seen;
            view.confirmed_gone = seen == 0;
        }
        line.expected = line.target = line.charge;
        return line;
    }
    const bool silent = !account.reported() || now - *account.reported_at() > silence;
    if (!silent && (proxy.phase == ProxyPhase::Draining || !pool.resource)) {
        line.target = std::min(line.expected, std::max(proxy_floor, account.servers()));
        return line;
    }
    line.active = !silent;
    if (!line.active) return line;
    line.waiting = proxy.report->clients_waiting > 0;
    const std::optional<double> demand = view.memory->demand.connections();
    const std::chrono::seconds window{pool.resource->spec.sizing.stabilization_window_seconds};
    // Until it is measured, what it has is what it needs.
    view.memory->want.add(demand ? want_for(*demand) : line.expected, now);
    line.want = std::max(proxy_floor, view.memory->want.over(window, now));
    if (pool.resource->spec.sizing.mode == api::SizingMode::Observe)
        line.want = std::max(proxy_floor, account.servers());
    return line;
}

void fill_pool(
    DatabaseView& database, PoolView& pool, Time facts_at, Time now, bool replaced_untold
) {
    PoolLine line;
    line.key = pool.key;
    if (pool.resource) {
        const api::ConnectionPoolSpec& spec = pool.resource->spec;
        pool.ceiling = database.facts
                           ? pool_ceiling(database.budget, spec.budget.max_server_connections)
                           : Ceiling{};
        line.ceiling = pool.ceiling.connections;
        const std::int32_t starts =
            replaced_untold ? std::max(rollout_surge, spec.replicas) : rollout_surge;
        line.reserve = database.facts ? reserve_of(line.ceiling, starts, proxy_floor)
                                      : starts * proxy_floor + 2;
        line.weight = spec.budget.weight;
        line.floor = spec.sizing.min_server_connections;
        if (spec.sizing.mode == api::SizingMode::Fixed) line.fixed = spec.sizing.server_connections;
        if (spec.sizing.mode == api::SizingMode::Auto)
            line.most = spec.sizing.max_server_connections;
    } else {
        line.ceiling = database.budget.connections;
    }
    for (ProxyView& proxy : pool.proxies) {
        line.proxies.push_back(line_of(proxy, database, pool, facts_at, now));
        if (line.proxies.back().active)
            pool.demand += proxy.memory->demand.connections().value_or(0);
    }
    database.line.pools.push_back(std::move(line));
}

void find_unfenced(DatabaseView& database, const Memory& memory) {
    for (const PoolView& pool : database.pools)
        for (const ProxyView& each : pool.proxies)
            if (each.proxy->phase != ProxyPhase::Gone && !each.memory->account.fenced(memory.epoch))
                database.unfenced.push_back(each.proxy->id);
}

// Nothing is known but what earlier operators granted: that stays, and the reserve is for starting.
void count_what_is_granted_as_budget(DatabaseView& database) {
    database.line.budget = database.line.reserve();
    for (std::size_t p = 0; p < database.pools.size(); ++p) {
        PoolLine& line = database.line.pools[p];
        line.ceiling = line.reserve;
        for (std::size_t i = 0; i < line.proxies.size(); ++i)
            if (database.pools[p].proxies[i].memory->account.ever_granted())
                line.ceiling += line.proxies[i].charge;
        database.line.budget += line.ceiling - line.reserve;
    }
}

void fill(DatabaseView& database, Memory& memory, Time now, bool replaced_untold) {
    Time facts_at{};
    if (const auto found = memory.databases.find(database.key); found != memory.databases.end()) {
        DatabaseMemory& known = found->second;
        database.facts = known.facts;
        facts_at = known.facts_at;
        database.fresh = now - facts_at <= silence;
        if (database.fresh) known.others.add(known.facts->others, now);
        database.others = others_allowance(known.others.over(others_memory, now));
    }
    std::int32_t headroom = 0;
    std::int32_t percent = 100;
    for (const PoolView& pool : database.pools)
        if (pool.resource) {
            headroom = std::max(headroom, pool.resource->spec.budget.headroom_connections);
            percent = std::min(percent, pool.resource->spec.budget.max_server_connections_percent);
        }
    if (database.facts) {
        database.budget = database_budget(*database.facts, database.others, headroom, percent);
        std::int32_t ghosts = 0;
        for (const auto& [tag, count] : database.facts->seen) ghosts += count;
        for (const PoolView& pool : database.pools)
            for (const ProxyView& each : pool.proxies) ghosts -= seen_of(database, each.proxy->id);
        database.line.ghosts = ghosts;
    }
    database.line.budget = database.budget.connections;
    find_unfenced(database, memory);
    for (PoolView& pool : database.pools) fill_pool(database, pool, facts_at, now, replaced_untold);
    if (!database.facts) count_what_is_granted_as_budget(database);
    database.learning = !database.unfenced.empty() || facts_at < *memory.began + end_margin;
    database.line.may_grow = database.fresh && !database.learning &&
                             facts_at >= memory.facts_needed_after && memory.superseded_by == 0;
}

// What a proxy of an unknown database has may be on any of those that are known.
void charge_strays(std::vector<DatabaseView>& views) {
    std::int32_t floors = 0;
    std::int32_t grown = 0;
    for (const DatabaseView& view : views) {
        if (view.facts) continue;
        for (const PoolLine& pool : view.line.pools)
            for (const ProxyLine& proxy : pool.proxies)
                (proxy.charge > proxy_floor ? grown : floors) += proxy.charge;
    }
    for (DatabaseView& view : views) {
        if (!view.facts) continue;
        view.line.strays = floors;
        view.line.ghosts += grown;
    }
}

}  // namespace

std::vector<DatabaseView> view_of(const Observed& observed, Memory& memory, const Now& now) {
    take_reports(observed, memory, now.time);
    std::map<std::string, PoolView> pools = pools_of(observed, memory);
    std::map<std::string, std::string> by_endpoint;
    for (auto& [key, pool] : pools) {
        find_database(pool, memory);
        if (pool.resource && !pool.memory->database.empty())
            by_endpoint[endpoint_of(*pool.resource)] = pool.memory->database;
    }
    std::map<std::string, DatabaseView> databases;
    for (auto& [key, pool] : pools) {
        std::string database = pool.memory->database;
        if (database.empty() && pool.resource) {
            const std::string endpoint = endpoint_of(*pool.resource);
            const auto found = by_endpoint.find(endpoint);
            database = found != by_endpoint.end() ? found->second : "endpoint/" + endpoint;
        }
        if (database.empty()) database = "pool/" + key;
        databases[database].key = database;
        databases[database].pools.push_back(std::move(pool));
    }
    std::vector<DatabaseView> views;
    bool stray = false;
    for (auto& [key, view] : databases) {
        fill(view, memory, now.time, observed.replaced_untold);
        stray = stray || (!view.facts && !view.unfenced.empty());
        views.push_back(std::move(view));
    }
    // A proxy that an earlier operator may have granted to, on nobody knows which database.
    if (stray)
        for (DatabaseView& view : views) view.line.may_grow = false;
    charge_strays(views);
    std::erase_if(memory.databases, [&](const auto& entry) {
        return !databases.contains(entry.first);
    });
    return views;
}

}  // namespace penstock::domain
