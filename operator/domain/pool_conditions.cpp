#include "operator/domain/pool_conditions.hpp"

#include "crds/api/names.hpp"
#include "operator/domain/condition.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

namespace penstock::domain {

namespace {

using api::ConditionStatus;

// A status, and why.
struct Verdict {
    ConditionStatus status = ConditionStatus::True;
    std::string reason;
    std::string message;
};

std::string number(std::int64_t value) { return std::to_string(value); }

bool mentions(const std::string& text, std::initializer_list<std::string_view> words) {
    return std::any_of(words.begin(), words.end(), [&](std::string_view word) {
        return text.find(word) != std::string::npos;
    });
}

std::string connect_reason(const std::string& fault) {
    if (mentions(fault, {"authentication", "password", "role \"", "28P01", "28000"}))
        return "AuthenticationFailed";
    if (mentions(fault, {"SSL", "TLS", "certificate"})) return "TLSFailed";
    return "ConnectFailed";
}

Verdict database_reachable(const PoolStatusInput& input) {
    const PoolView& pool = input.database.pools[input.index];
    const PoolLine& line = input.database.line.pools[input.index];
    const api::Database& target = pool.resource->spec.database;
    const std::string where = target.host + ":" + number(target.port);
    std::string fault;
    std::string server_fault;
    for (std::size_t i = 0; i < pool.proxies.size(); ++i) {
        if (!line.proxies[i].active) continue;
        const Proxy& proxy = *pool.proxies[i].proxy;
        const auto& facts = proxy.report->facts;
        if (server_fault.empty()) server_fault = proxy.report->server_error;
        if (facts &&
            input.now.time - proxy.reported + std::chrono::milliseconds{facts->age_ms} <= silence) {
            if (facts->in_recovery)
                return {
                    ConditionStatus::True,
                    "ConnectedToStandby",
                    where +
                        " answers and is a standby, which refuses writes: for a pool that "
                        "writes, make another one with the primary's spec.database.host"};
            return {
                ConditionStatus::True,
                "Connected",
                server_fault.empty()
                    ? where + " answers"
                    : where + " answers, but a server connection failed: " + server_fault};
        }
        if (fault.empty()) fault = proxy.report->facts_error;
    }
    if (fault.empty()) fault = server_fault;
    if (fault.empty())
        return {ConditionStatus::Unknown, "Unknown", "no proxy has reported on " + where + " yet"};
    const std::string reason = connect_reason(fault);
    std::string remedy =
        "; check spec.database.host and port, and that the server accepts connections";
    if (reason == "AuthenticationFailed")
        remedy = "; check the user name and password in Secret " + target.monitor_secret_ref.name;
    if (reason == "TLSFailed") remedy = "; check spec.database.tls";
    return {ConditionStatus::False, reason, where + ": " + fault + remedy};
}

Verdict budget_satisfied(const PoolStatusInput& input) {
    const DatabaseView& database = input.database;
    const PoolView& pool = database.pools[input.index];
    const PoolLine& line = database.line.pools[input.index];
    if (!database.facts)
        return {ConditionStatus::Unknown, "Unknown", "the database's limits are not known yet"};
    std::int32_t floors = 0;
    for (const PoolView& other : database.pools)
        if (other.resource)
            floors += std::max(
                other.resource->spec.replicas * proxy_floor,
                other.resource->spec.sizing.min_server_connections
            );
    if (line.ceiling <= line.reserve)
        return {
            ConditionStatus::False,
            "HeadroomExhausted",
            "the database leaves " + number(line.ceiling) +
                " connections for pools: end other connections, raise max_connections, or lower "
                "spec.budget.headroomConnections"};
    if (input.workload.replicas < pool.resource->spec.replicas)
        return {
            ConditionStatus::False,
            "ReplicasExceedBudget",
            "a budget of " + number(line.ceiling) + " connections carries " +
                number(input.workload.replicas) + " proxies, not " +
                number(pool.resource->spec.replicas) + ": lower spec.replicas or raise the budget"};
    if (line.free < 0 || database.line.free < 0)
        return {
            ConditionStatus::False,
            "ShrinkPending",
            "more connections are open or granted than the budget of " +
                number(std::min(line.ceiling, database.line.budget)) +
                " allows: proxies give them back as transactions end"};
    if (database.pools.size() > 1 && floors + database.line.reserve() > database.line.budget)
        return {
            ConditionStatus::False,
            "SharedDatabaseOvercommitted",
            "the minimum sizes of the pools of this database need " +
                number(floors + database.line.reserve()) + " connections and there are " +
                number(database.line.budget) +
                ": lower spec.sizing.minServerConnections or spec.replicas of some"};
    return {ConditionStatus::True, "WithinCeiling", "all connections fit the budget"};
}

Verdict grants_current(const PoolStatusInput& input) {
    const PoolView& pool = input.database.pools[input.index];
    const PoolLine& line = input.database.line.pools[input.index];
    if (input.memory.superseded_by > 0)
        return {
            ConditionStatus::False,
            "EpochSuperseded",
            "proxies obey an operator of epoch " +
                number(static_cast<std::int64_t>(input.memory.superseded_by)) +
                ", this one is of " + number(static_cast<std::int64_t>(input.memory.epoch)) +
                " and grants no more: end one of them, then restart the other"};
    for (const ProxyView& view : pool.proxies) {
        if (!view.proxy->report || view.proxy->phase != ProxyPhase::Running) continue;
        if (!view.proxy->report->config_errors.empty())
            return {
                ConditionStatus::False,
                "ConfigRejected",
                "proxy " + view.proxy->id +
                    " keeps its old configuration: " + view.proxy->report->config_errors.front()};
    }
    if (input.database.learning)
        return {
            ConditionStatus::False,
            "LearningMode",
            input.database.unfenced.empty()
                ? "this operator has just started and waits for the database's count"
                : "proxy " + input.database.unfenced.front() +
                      " has not answered this operator yet; until then nothing grows. If it never "
                      "does, end it"};
    for (std::size_t i = 0; i < pool.proxies.size(); ++i) {
        const Proxy& proxy = *pool.proxies[i].proxy;
        if (proxy.phase == ProxyPhase::Running && !line.proxies[i].active)
            return {
                ConditionStatus::False,
                "ProxySilent",
                "proxy " + proxy.id + " does not answer and keeps its grant" +
                    (proxy.fault.empty() ? std::string{} : ": " + proxy.fault)};
    }
    return {ConditionStatus::True, "AllAcknowledged", "every proxy runs on its newest grant"};
}

Verdict autosizing(const PoolStatusInput& input, const api::ConnectionPoolStatus& status) {
    const PoolView& pool = input.database.pools[input.index];
    switch (pool.resource->spec.sizing.mode) {
        case api::SizingMode::Fixed:
            return {ConditionStatus::False, "Fixed", "spec.sizing.mode is Fixed"};
        case api::SizingMode::Observe:
            return {
                ConditionStatus::False,
                "ObserveOnly",
                "status.sizing.desired shows what spec.sizing.mode Auto would do"};
        case api::SizingMode::Auto:
            break;
    }
    if (!input.database.fresh)
        return {
            ConditionStatus::False,
            "SignalsStale",
            "without fresh facts from the database nothing grows"};
    const std::string& limit = status.limited_by;
    if (limit == "Floor")
        return {ConditionStatus::False, "AtFloor", "demand is below the minimum size"};
    if (limit == "Demand" || limit == "Policy" || limit == "Learning")
        return {ConditionStatus::True, "Active", "the size follows demand"};
    return {ConditionStatus::False, "AtCeiling", "demand is above what " + limit + " allows"};
}

std::optional<Verdict> stalled(const PoolStatusInput& input) {
    const api::ConnectionPool& pool = *input.database.pools[input.index].resource;
    const auto faults = input.observed.pool_faults.find(key(pool.metadata));
    if (faults != input.observed.pool_faults.end() && !faults->second.empty()) {
        std::string text = "the last good version stays in force;";
        for (const api::Error& fault : faults->second) text += " " + api::to_string(fault) + ";";
        text.pop_back();
        return Verdict{ConditionStatus::True, "InvalidSpec", text};
    }
    const auto conflict = input.observed.ownership_conflicts.find(key(pool.metadata));
    if (conflict != input.observed.ownership_conflicts.end())
        return Verdict{ConditionStatus::True, "OwnershipConflict", conflict->second};
    const api::ConnectionPoolSpec& spec = pool.spec;
    if (!spec.budget.max_server_connections) return std::nullopt;
    const std::int32_t most = *spec.budget.max_server_connections;
    const auto impossible = [&](const std::string& field, std::int32_t value) {
        return Verdict{
            ConditionStatus::True,
            "BudgetImpossible",
            field + " " + number(value) + " needs more than spec.budget.maxServerConnections " +
                number(most) + ": lower the one or raise the other"};
    };
    if (spec.sizing.server_connections && *spec.sizing.server_connections > most)
        return impossible("spec.sizing.serverConnections", *spec.sizing.server_connections);
    if (spec.sizing.min_server_connections > most)
        return impossible("spec.sizing.minServerConnections", spec.sizing.min_server_connections);
    if (spec.replicas * proxy_floor > most) return impossible("spec.replicas", spec.replicas);
    return std::nullopt;
}

std::optional<Verdict> reconciling(
    const PoolStatusInput& input,
    const api::ConnectionPoolStatus& status,
    const Verdict& database,
    const Verdict& grants
) {
    const PoolView& pool = input.database.pools[input.index];
    const auto missing = input.observed.missing_secrets.find(pool.key);
    if (missing != input.observed.missing_secrets.end())
        return Verdict{ConditionStatus::True, "WaitingForSecret", missing->second};
    const auto fault = input.observed.workload_faults.find(pool.key);
    if (fault != input.observed.workload_faults.end())
        return Verdict{ConditionStatus::True, "ApplyFailed", fault->second};
    if (grants.reason == "ConfigRejected" && status.updated_replicas < status.replicas)
        return Verdict{ConditionStatus::True, "ConfigRejected", grants.message};
    std::string last_fault;
    std::int32_t outdated = 0;
    for (const ProxyView& view : pool.proxies) {
        if (!view.proxy->fault.empty()) last_fault = view.proxy->id + ": " + view.proxy->fault;
        if (view.proxy->phase == ProxyPhase::Starting || view.proxy->phase == ProxyPhase::Running)
            outdated += view.proxy->restart_hash != input.workload.restart_hash ? 1 : 0;
    }
    const std::int32_t wanted = input.workload.replicas;
    if (outdated > 0)
        return Verdict{
            ConditionStatus::True,
            "RollingOut",
            number(outdated) + " of " + number(wanted) + " proxies are still to be replaced"};
    // Once it was ready for this generation, a proxy that is being replaced is no progress to wait
    // for.
    const api::Condition* ready = find(pool.resource->status.conditions, api::conditions::ready);
    const bool was_ready = ready && ready->status == ConditionStatus::True &&
                           ready->observed_generation == pool.resource->metadata.generation;
    if (was_ready && (status.ready_replicas > 0 || wanted == 0)) return std::nullopt;
    if (status.ready_replicas < wanted)
        return Verdict{
            ConditionStatus::True,
            "ScalingOut",
            "fewer than " + number(wanted) + " proxies are ready" +
                (last_fault.empty() ? std::string{} : "; " + last_fault)};
    if (status.updated_replicas < status.replicas)
        return Verdict{
            ConditionStatus::True,
            "NewGeneration",
            "proxies have not taken the newest configuration yet"};
    if (wanted > 0 && !input.database.facts)
        return Verdict{ConditionStatus::True, "WaitingForDatabase", database.message};
    return std::nullopt;
}

}  // namespace

std::vector<api::Condition> pool_conditions(
    const PoolStatusInput& input, const api::ConnectionPoolStatus& status
) {
    const api::ConnectionPool& pool = *input.database.pools[input.index].resource;
    const Verdict database = database_reachable(input);
    const Verdict budget = budget_satisfied(input);
    const Verdict grants = grants_current(input);
    const Verdict sizing = autosizing(input, status);
    const std::optional<Verdict> stall = stalled(input);
    const std::optional<Verdict> progress =
        stall ? std::nullopt : reconciling(input, status, database, grants);

    Verdict ready{ConditionStatus::True, "Available", "proxies serve clients"};
    if (input.workload.replicas == 0) ready.message = "spec.replicas asks for no proxy";
    if (stall)
        ready = {ConditionStatus::False, stall->reason, stall->message};
    else if (progress)
        ready = {ConditionStatus::False, progress->reason, progress->message};
    else if (database.status == ConditionStatus::False)
        ready = {ConditionStatus::False, database.reason, database.message};
    else if (input.workload.replicas > 0 && status.ready_replicas == 0)
        ready = {ConditionStatus::False, "NoProxyReady", "no proxy is ready"};

    Conditions conditions(pool.status.conditions, pool.metadata.generation, input.now.wall);
    const auto set = [&](std::string_view type, const Verdict& verdict) {
        conditions.set(type, verdict.status, verdict.reason, verdict.message);
    };
    set(api::conditions::ready, ready);
    if (progress) set(api::conditions::reconciling, *progress);
    if (stall) set(api::conditions::stalled, *stall);
    set(api::conditions::database_reachable, database);
    set(api::conditions::budget_satisfied, budget);
    set(api::conditions::grants_current, grants);
    set(api::conditions::autosizing, sizing);
    return conditions.list();
}

}  // namespace penstock::domain
