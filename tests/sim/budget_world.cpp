#include "tests/sim/budget_world.hpp"

#include "operator/domain/rollout.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace penstock::sim {

namespace {
constexpr double step_seconds = 0.05;
constexpr std::chrono::milliseconds round_period{500};
constexpr std::chrono::seconds facts_period{1};
}  // namespace

std::int32_t ModelDatabase::connections() const {
    std::int32_t sum = 0;
    for (const auto& [proxy, count] : slots) sum += count;
    return sum;
}

BudgetWorld::BudgetWorld(std::uint64_t seed) : now(std::chrono::hours{1}), random_(seed) {}

double BudgetWorld::uniform(double low, double high) {
    return low + (high - low) * static_cast<double>(random_() >> 11) * 0x1p-53;
}

std::int32_t BudgetWorld::whole(std::int32_t low, std::int32_t high) {
    const auto width = static_cast<std::uint64_t>(high - low + 1);
    return low + static_cast<std::int32_t>(random_() % width);
}

std::size_t BudgetWorld::add_database(std::int32_t max_connections, std::int32_t others) {
    ModelDatabase database;
    database.system_identifier = "70000000000000" + std::to_string(databases.size());
    database.max_connections = max_connections;
    database.others = others;
    databases.push_back(std::move(database));
    return databases.size() - 1;
}

api::ConnectionPool& BudgetWorld::add_pool(
    const std::string& name, std::size_t database, std::int32_t replicas
) {
    api::ConnectionPool pool;
    pool.metadata.name = name;
    pool.metadata.uid = "uid-" + name;
    pool.metadata.generation = 1;
    pool.metadata.creation_timestamp = "2024-05-01T12:00:00Z";
    // Each pool under its own name of the server: only the system identifier tells.
    pool.spec.database.host = name + ".example";
    pool.spec.database.monitor_secret_ref.name = "monitor";
    pool.spec.replicas = replicas;
    pool.spec.budget.max_server_connections_percent = 100;
    const std::string key = domain::key(pool.metadata);
    database_of[key] = database;
    return pools[key] = pool;
}

std::size_t BudgetWorld::start_operator() {
    operators.push_back(std::make_unique<ModelOperator>(++epochs_));
    operators.back()->born = now;
    operators.back()->next_round = now;
    return operators.size() - 1;
}

void BudgetWorld::kill_proxy(const std::string& id) {
    ModelProxy& proxy = proxies.at(id);
    if (!proxy.alive()) return;
    proxy.phase = domain::ProxyPhase::Gone;
    proxy.ended = now;
    ModelDatabase& database = databases[proxy.database];
    for (std::int32_t i = 0; i < database.slots[id]; ++i)
        lingering_.push_back({proxy.database, id, now + std::chrono::milliseconds{whole(0, 2000)}});
    proxy.open = 0;
    proxy.closing.clear();
    proxy.busy = 0;
    spread_load(proxy.pool);
}

void BudgetWorld::set_load(const std::string& pool, double clients, double hold_seconds) {
    loads_[pool] = {clients, hold_seconds};
    spread_load(pool);
}

void BudgetWorld::spread_load(const std::string& pool) {
    std::vector<ModelProxy*> serving;
    for (ModelProxy* proxy : proxies_of(pool))
        if (proxy->phase == domain::ProxyPhase::Running) serving.push_back(proxy);
    const auto [clients, hold] = loads_[pool];
    // Unevenly: the first has twice the clients of each other one.
    double weights = 0;
    for (std::size_t i = 0; i < serving.size(); ++i) weights += i == 0 ? 2 : 1;
    for (std::size_t i = 0; i < serving.size(); ++i) {
        const double share = clients * (i == 0 ? 2 : 1) / weights;
        // Newly arrived ones ask at once.
        serving[i]->offered += std::max(0.0, share - serving[i]->clients);
        serving[i]->clients = share;
        serving[i]->hold_seconds = hold;
    }
}

std::vector<ModelProxy*> BudgetWorld::proxies_of(const std::string& pool) {
    std::vector<ModelProxy*> found;
    for (auto& [id, proxy] : proxies)
        if (proxy.pool == pool && proxy.alive()) found.push_back(&proxy);
    return found;
}

std::vector<std::string> BudgetWorld::running() const {
    std::vector<std::string> ids;
    for (const auto& [id, proxy] : proxies)
        if (proxy.phase == domain::ProxyPhase::Running) ids.push_back(id);
    return ids;
}

std::int32_t BudgetWorld::granted(const std::string& pool) {
    std::int32_t sum = 0;
    for (const ModelProxy* proxy : proxies_of(pool)) sum += proxy->granted;
    return sum;
}

void BudgetWorld::send(Message message) {
    const auto once = [&] {
        if (chance(faults.loss)) return;
        const double most = chance(faults.long_delay) ? 3000 : 80;
        message.due = now + std::chrono::milliseconds{static_cast<int>(uniform(0, most))};
        message.order = ++order_;
        messages_.push_back(message);
    };
    once();
    if (chance(faults.duplicate)) once();
}

void BudgetWorld::deliver() {
    std::vector<Message> due;
    std::erase_if(messages_, [&](const Message& message) {
        if (message.due > now) return false;
        due.push_back(message);
        return true;
    });
    std::sort(due.begin(), due.end(), [](const Message& a, const Message& b) {
        return a.due != b.due ? a.due < b.due : a.order < b.order;
    });
    for (const Message& message : due) arrive(message);
}

void BudgetWorld::arrive(const Message& message) {
    ModelOperator& sender = *operators[message.to_operator];
    if (sender.cut_off.contains(message.proxy)) return;
    if (message.is_answer) {
        if (!sender.alive) return;
        auto& last = sender.reports[message.proxy];
        if (message.sent >= last.first) last = {message.sent, message.report};
        return;
    }
    const auto found = proxies.find(message.proxy);
    if (found == proxies.end()) return;
    ModelProxy& proxy = found->second;
    if (!proxy.alive() || now < proxy.answers_from) return;
    if (message.grant) {
        const api::Grant& grant = *message.grant;
        if (std::pair{grant.epoch, grant.sequence} > std::pair{proxy.epoch, proxy.sequence}) {
            proxy.epoch = grant.epoch;
            proxy.sequence = grant.sequence;
            const std::int32_t before = proxy.granted;
            if (grant.server_connections > 0) proxy.granted = grant.server_connections;
            if (proxy.granted != before) ++grants_taken;
        }
    }
    Message answer = message;
    answer.is_answer = true;
    answer.grant.reset();
    answer.report = report_of(proxy);
    send(std::move(answer));
}

api::Report BudgetWorld::report_of(const ModelProxy& proxy) const {
    api::Report report;
    report.pool = proxy.pool;
    report.proxy_id = proxy.id;
    report.epoch = proxy.epoch;
    report.sequence = proxy.sequence;
    report.granted = proxy.granted;
    report.config_generation = proxy.config_generation;
    report.draining = proxy.phase == domain::ProxyPhase::Draining;
    report.servers_busy = static_cast<std::int32_t>(std::lround(proxy.busy));
    report.servers_idle = proxy.open - report.servers_busy;
    report.servers_closing = static_cast<std::int32_t>(proxy.closing.size());
    report.clients = static_cast<std::int32_t>(proxy.clients);
    report.clients_waiting = static_cast<std::int32_t>(std::max(0.0, proxy.clients - proxy.busy));
    if (report.clients_waiting > 0) {
        const double rate = std::max(proxy.busy, 0.001) / proxy.hold_seconds;
        const auto since = std::chrono::duration<double>(now - proxy.waiting_since).count();
        report.oldest_wait_ms =
            static_cast<std::int64_t>(1000 * std::min(since, report.clients_waiting / rate));
    }
    report.totals.transactions = static_cast<std::uint64_t>(proxy.ended_transactions);
    report.totals.transactions_offered = static_cast<std::uint64_t>(proxy.offered);
    report.totals.hold_us = static_cast<std::uint64_t>(proxy.held_seconds * 1e6);
    report.facts = proxy.facts;
    if (report.facts)
        report.facts->age_ms =
            std::chrono::duration_cast<std::chrono::milliseconds>(now - proxy.facts_at).count();
    return report;
}

void BudgetWorld::step_proxy(ModelProxy& proxy) {
    using domain::ProxyPhase;
    if (!proxy.alive()) return;
    ModelDatabase& database = databases[proxy.database];
    if (proxy.phase == ProxyPhase::Starting && now >= proxy.answers_from) {
        proxy.phase = ProxyPhase::Running;
        spread_load(proxy.pool);
    }
    if (proxy.phase == ProxyPhase::Draining) proxy.clients *= 0.9;

    const double before = proxy.busy;
    proxy.busy = std::min<double>(proxy.clients, proxy.open);
    const double done = proxy.busy * std::min(1.0, step_seconds / proxy.hold_seconds);
    proxy.ended_transactions += proxy.busy * step_seconds / proxy.hold_seconds;
    proxy.offered += proxy.busy * step_seconds / proxy.hold_seconds;
    proxy.held_seconds += proxy.busy * step_seconds;
    if (before >= proxy.clients || proxy.clients <= proxy.busy) proxy.waiting_since = now;

    while (!proxy.closing.empty() && proxy.closing.front() <= now) {
        proxy.closing.pop_front();
        --database.slots[proxy.id];
    }
    // Too many: idle ones at once, busy ones as their transactions end.
    const auto can_close = static_cast<std::int32_t>(proxy.open - proxy.busy + std::ceil(done));
    for (std::int32_t i = std::min(proxy.open - proxy.granted, can_close); i > 0; --i) {
        --proxy.open;
        const Time last = proxy.closing.empty() ? now : proxy.closing.back();
        proxy.closing.push_back(std::max(last, now + std::chrono::milliseconds{whole(0, 300)}));
    }
    proxy.busy = std::min<double>(proxy.busy, proxy.open);
    const bool wants_more = proxy.clients > proxy.open;
    for (int i = 0; i < 4 && wants_more && proxy.servers() < proxy.granted; ++i) {
        ++proxy.open;
        ++database.slots[proxy.id];
    }
    if (now >= proxy.facts_next && proxy.phase != ProxyPhase::Starting) {
        proxy.facts_next = now + facts_period;
        api::DatabaseFacts facts;
        facts.system_identifier = database.system_identifier;
        facts.server_version = 170002;
        facts.max_connections = database.max_connections;
        facts.superuser_reserved_connections = 3;
        facts.others = database.others;
        for (const auto& [id, count] : database.seen)
            if (count > 0) facts.seen[api::proxy_tag(id)] = count;
        proxy.facts = facts;
        proxy.facts_at = now;
    }
    if (proxy.phase == ProxyPhase::Draining && proxy.clients < 0.5) kill_proxy(proxy.id);
}

void BudgetWorld::step_databases() {
    std::erase_if(lingering_, [&](const Lingering& each) {
        if (each.until > now) return false;
        --databases[each.database].slots[each.proxy];
        return true;
    });
    for (ModelDatabase& database : databases) {
        std::erase_if(database.slots, [](const auto& entry) { return entry.second == 0; });
    }
}

domain::Observed BudgetWorld::observe(const ModelOperator& each) const {
    domain::Observed observed;
    for (const auto& [key, pool] : pools) observed.pools.push_back(pool);
    for (const auto& [id, model] : proxies) {
        if (each.forgotten.contains(id)) continue;
        if (!model.alive() && model.ended <= each.born) continue;
        domain::Proxy proxy;
        proxy.id = id;
        proxy.pool = model.pool;
        proxy.phase = model.phase;
        proxy.restart_hash = model.restart_hash;
        proxy.ready = model.phase == domain::ProxyPhase::Running;
        proxy.started = model.started;
        proxy.ended = model.ended;
        if (const auto report = each.reports.find(id); report != each.reports.end()) {
            proxy.reported = report->second.first;
            proxy.report = report->second.second;
        }
        observed.proxies.push_back(std::move(proxy));
    }
    return observed;
}

void BudgetWorld::apply(const domain::Workload& workload) {
    std::vector<domain::Proxy> listed;
    for (const auto& [id, model] : proxies) {
        domain::Proxy proxy;
        proxy.id = id;
        proxy.pool = model.pool;
        proxy.phase = model.phase;
        proxy.restart_hash = model.restart_hash;
        proxy.ready = model.phase == domain::ProxyPhase::Running;
        proxy.started = model.started;
        listed.push_back(std::move(proxy));
        if (model.pool == workload.pool) {
            ModelProxy& reloaded = proxies.at(id);
            reloaded.config_generation = workload.config.generation;
        }
    }
    const domain::RolloutStep todo = domain::next_step(workload, listed);
    for (const std::string& id : todo.drain) proxies.at(id).phase = domain::ProxyPhase::Draining;
    for (std::int32_t i = 0; i < todo.start; ++i) {
        ModelProxy proxy;
        proxy.id = "p" + std::to_string(1000 + ++next_proxy_);
        proxy.pool = workload.pool;
        proxy.database = database_of.at(workload.pool);
        proxy.restart_hash = workload.restart_hash;
        proxy.config_generation = workload.config.generation;
        proxy.started = now;
        proxy.answers_from = now + std::chrono::milliseconds{whole(50, 600)};
        proxy.facts_next = proxy.answers_from;
        proxy.granted = workload.config.server_connections;
        proxies[proxy.id] = std::move(proxy);
    }
}

void BudgetWorld::run_operator(ModelOperator& each, std::size_t index) {
    if (!each.alive || now < each.next_round) return;
    each.next_round = now + round_period;
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch());
    const domain::Now moment{now, "T" + std::to_string(seconds.count())};
    each.last_plan = domain::make_plan(observe(each), each.memory, moment);
    for (const std::string& id : each.last_plan.forget) each.forgotten.insert(id);
    // Whoever has lost the lease, or the lock, starts and stops no processes any more.
    leader_ = std::max(leader_, each.memory.epoch);
    if (leader_ == each.memory.epoch) {
        for (const domain::Workload& workload : each.last_plan.workloads) apply(workload);
        for (const domain::PoolStatusWrite& write : each.last_plan.pool_statuses)
            pools.at(write.pool).status = write.status;
    }
    for (const domain::GrantPush& push : each.last_plan.grants) {
        Message message;
        message.to_operator = index;
        message.proxy = push.proxy_id;
        message.sent = now;
        message.grant = push.grant;
        send(std::move(message));
    }
    for (const auto& [id, proxy] : proxies) {
        if (!proxy.alive()) continue;
        Message message;
        message.to_operator = index;
        message.proxy = id;
        message.sent = now;
        send(std::move(message));
    }
}

void BudgetWorld::advance() {
    now += step;
    // What took its slot in the step before is seen now.
    for (ModelDatabase& database : databases) database.seen = database.slots;
    deliver();
    for (auto& [id, proxy] : proxies) step_proxy(proxy);
    step_databases();
    for (std::size_t i = 0; i < operators.size(); ++i) run_operator(*operators[i], i);
}

void BudgetWorld::run(std::chrono::milliseconds duration) {
    for (const Time end = now + duration; now < end;) advance();
}

}  // namespace penstock::sim
