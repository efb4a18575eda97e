#include "operator/metrics/operator_metrics.hpp"

#include "crds/api/encode.hpp"
#include "crds/api/names.hpp"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

namespace penstock::metrics {

namespace {

std::string prefixed(const char* name) { return std::string(api::metric_prefix) + name; }

void add_conditions(
    Families& families,
    std::string_view kind,
    const api::Metadata& metadata,
    const std::vector<api::Condition>& conditions
) {
    for (const api::Condition& condition : conditions) {
        families.gauge(
            prefixed("resource_condition"),
            "1 for the status that the condition has.",
            1,
            {{"kind", std::string(kind)},
             {"namespace", metadata.name_space},
             {"name", metadata.name},
             {"type", condition.type},
             {"status", std::string(api::to_text(condition.status))},
             {"reason", condition.reason}}
        );
    }
}

void add_pool(Families& families, const api::ConnectionPool& pool) {
    const Labels labels{{"namespace", pool.metadata.name_space}, {"pool", pool.metadata.name}};
    const auto gauge = [&](const char* name, const char* help, std::int64_t value) {
        families.gauge(prefixed(name), help, static_cast<double>(value), labels);
    };
    const auto replicas = [&](const char* state, std::int32_t value) {
        Labels with_state = labels;
        with_state.emplace_back("state", state);
        families.gauge(prefixed("pool_replicas"), "Proxies.", value, with_state);
    };
    const api::ConnectionPoolStatus& status = pool.status;
    replicas("running", status.replicas);
    replicas("ready", status.ready_replicas);
    replicas("updated", status.updated_replicas);
    replicas("terminating", status.terminating_replicas);
    if (status.budget) {
        gauge(
            "pool_ceiling_connections",
            "Server connections that the pool may have.",
            status.budget->ceiling
        );
        gauge(
            "pool_granted_connections",
            "Server connections granted to proxies.",
            status.budget->granted
        );
        gauge("pool_in_use_connections", "Server connections that exist.", status.budget->in_use);
        gauge("pool_reserve_connections", "Kept for proxies that start.", status.budget->reserve);
    }
    if (status.sizing)
        gauge(
            "pool_desired_connections",
            "Server connections that demand asks for.",
            status.sizing->desired
        );
    add_conditions(families, api::kinds::connection_pool, pool.metadata, status.conditions);
}

}  // namespace

void OperatorCounters::add_reconcile(double seconds) {
    ++reconciles;
    reconcile_seconds += seconds;
    const auto bound =
        std::lower_bound(reconcile_seconds_bounds.begin(), reconcile_seconds_bounds.end(), seconds);
    ++reconcile_buckets[static_cast<std::size_t>(bound - reconcile_seconds_bounds.begin())];
}

void add_operator(
    Families& families, const domain::Observed& observed, const OperatorCounters& counters
) {
    const auto counter = [&](const std::string& name, const char* help, std::uint64_t value) {
        families.counter(name, help, static_cast<double>(value));
    };
    families.counter(
        "controller_runtime_reconcile_total",
        "Rounds.",
        static_cast<double>(counters.reconciles),
        {{"controller", "fleet"}, {"result", "success"}}
    );
    families.histogram(
        "controller_runtime_reconcile_time_seconds",
        "Length of a round.",
        OperatorCounters::reconcile_seconds_bounds,
        counters.reconcile_buckets,
        counters.reconcile_seconds,
        {{"controller", "fleet"}}
    );
    counter(prefixed("grant_pushes_total"), "Grants sent to proxies.", counters.grants_pushed);
    counter(
        prefixed("budget_violations_total"),
        "Times that a pool was seen with more connections than its ceiling.",
        counters.budget_violations
    );
    families.gauge(
        prefixed("epoch"), "Epoch of this operator's grants.", static_cast<double>(counters.epoch)
    );
    for (const api::ConnectionPool& pool : observed.pools) add_pool(families, pool);
    for (const api::Backpressure& policy : observed.policies)
        add_conditions(
            families, api::kinds::backpressure, policy.metadata, policy.status.conditions
        );
}

void OperatorCounters::count_violations(const std::vector<api::ConnectionPool>& pools) {
    for (const api::ConnectionPool& pool : pools) {
        const auto& budget = pool.status.budget;
        const bool is_over = budget && budget->in_use > budget->ceiling;
        bool& was_over = over_ceiling[domain::key(pool.metadata)];
        if (is_over && !was_over) ++budget_violations;
        was_over = is_over;
    }
}

}  // namespace penstock::metrics
