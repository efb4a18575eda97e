#include "operator/host/operator_metrics.hpp"

#include "crds/api/encode.hpp"
#include "crds/api/names.hpp"

#include <algorithm>
#include <limits>
#include <map>
#include <utility>
#include <vector>

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

namespace penstock::host {

namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Labels = std::vector<std::pair<std::string, std::string>>;

class Families {
 public:
    void add(
        const std::string& name, const char* help, MetricType type, double value, Labels labels = {}
    ) {
        ClientMetric metric = labelled(labels);
        if (type == MetricType::Counter) {
            metric.counter.value = value;
        } else {
            metric.gauge.value = value;
        }
        family(name, help, type).metric.push_back(std::move(metric));
    }

    void add_reconcile_times(const OperatorCounters& counters) {
        ClientMetric metric = labelled({{"controller", "fleet"}});
        metric.histogram.sample_count = counters.reconciles;
        metric.histogram.sample_sum = counters.reconcile_seconds;
        std::uint64_t below = 0;
        for (std::size_t i = 0; i < counters.reconcile_buckets.size(); ++i) {
            below += counters.reconcile_buckets[i];
            const bool is_last = i == OperatorCounters::reconcile_seconds_bounds.size();
            metric.histogram.bucket.push_back(
                {below,
                 is_last ? std::numeric_limits<double>::infinity()
                         : OperatorCounters::reconcile_seconds_bounds[i]}
            );
        }
        family(
            "controller_runtime_reconcile_time_seconds", "Length of a round.", MetricType::Histogram
        )
            .metric.push_back(std::move(metric));
    }

    std::string text() const {
        std::vector<MetricFamily> list;
        for (const auto& [name, each] : families_) list.push_back(each);
        return prometheus::TextSerializer().Serialize(list);
    }

 private:
    static ClientMetric labelled(const Labels& labels) {
        ClientMetric metric;
        for (const auto& [name, value] : labels) metric.label.push_back({name, value});
        return metric;
    }

    MetricFamily& family(const std::string& name, const char* help, MetricType type) {
        MetricFamily& found = families_[name];
        found.name = name;
        found.help = help;
        found.type = type;
        return found;
    }

    std::map<std::string, MetricFamily> families_;
};

std::string prefixed(const char* name) { return std::string(api::metric_prefix) + name; }

void add_conditions(
    Families& families,
    std::string_view kind,
    const api::Metadata& metadata,
    const std::vector<api::Condition>& conditions
) {
    for (const api::Condition& condition : conditions) {
        families.add(
            prefixed("resource_condition"),
            "1 for the status that the condition has.",
            MetricType::Gauge,
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
        families.add(prefixed(name), help, MetricType::Gauge, static_cast<double>(value), labels);
    };
    const auto replicas = [&](const char* state, std::int32_t value) {
        Labels with_state = labels;
        with_state.emplace_back("state", state);
        families.add(prefixed("pool_replicas"), "Proxies.", MetricType::Gauge, value, with_state);
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

std::string metrics_text(const domain::Observed& observed, const OperatorCounters& counters) {
    Families families;
    const auto counter = [&](const std::string& name, const char* help, std::uint64_t value) {
        families.add(name, help, MetricType::Counter, static_cast<double>(value));
    };
    families.add(
        "controller_runtime_reconcile_total",
        "Rounds.",
        MetricType::Counter,
        static_cast<double>(counters.reconciles),
        {{"controller", "fleet"}, {"result", "success"}}
    );
    families.add_reconcile_times(counters);
    counter(prefixed("grant_pushes_total"), "Grants sent to proxies.", counters.grants_pushed);
    counter(prefixed("proxies_started_total"), "Proxies started.", counters.proxies_started);
    counter(
        prefixed("proxies_crashed_total"), "Proxies that ended untold.", counters.proxies_crashed
    );
    counter(
        prefixed("budget_violations_total"),
        "Times that a pool was seen with more connections than its ceiling.",
        counters.budget_violations
    );
    counter(
        prefixed("status_write_failures_total"),
        "Status files that could not be written.",
        counters.status_write_failures
    );
    const auto gauge = [&](const char* name, const char* help, std::uint64_t value) {
        families.add(prefixed(name), help, MetricType::Gauge, static_cast<double>(value));
    };
    gauge("manifest_faults", "Faults in the manifests.", counters.manifest_faults);
    gauge("epoch", "Epoch of this operator's grants.", counters.epoch);
    for (const api::ConnectionPool& pool : observed.pools) add_pool(families, pool);
    for (const api::Backpressure& policy : observed.policies)
        add_conditions(
            families, api::kinds::backpressure, policy.metadata, policy.status.conditions
        );
    return families.text();
}

}  // namespace penstock::host
