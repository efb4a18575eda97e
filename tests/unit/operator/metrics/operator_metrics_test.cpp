#include "operator/metrics/operator_metrics.hpp"

#include <gmock/gmock.h>

namespace penstock::host {
namespace {

using testing::HasSubstr;

TEST(OperatorMetrics, PoolsAreGaugesWithTheirNames) {
    domain::Observed observed;
    api::ConnectionPool& pool = observed.pools.emplace_back();
    pool.metadata.name = "orders";
    pool.metadata.name_space = "shop";
    pool.status.ready_replicas = 2;
    pool.status.budget = api::BudgetStatus{};
    pool.status.budget->ceiling = 67;
    pool.status.budget->granted = 12;
    pool.status.conditions = {{"Ready", api::ConditionStatus::False, 1, "", "ScalingOut", ""}};
    const std::string text = metrics_text(observed, {});
    for (const char* line : {
             "penstock_pool_ceiling_connections{namespace=\"shop\",pool=\"orders\"} 67\n",
             "penstock_pool_granted_connections{namespace=\"shop\",pool=\"orders\"} 12\n",
             "penstock_pool_replicas{namespace=\"shop\",pool=\"orders\",state=\"ready\"} 2\n",
             "penstock_resource_condition{kind=\"ConnectionPool\",namespace=\"shop\",name="
             "\"orders\","
             "type=\"Ready\",status=\"False\",reason=\"ScalingOut\"} 1\n",
             "# TYPE penstock_budget_violations_total counter\n",
         })
        EXPECT_THAT(text, HasSubstr(line));
}

TEST(OperatorMetrics, RoundsAreAHistogram) {
    OperatorCounters counters;
    counters.add_reconcile(0.0002);
    counters.add_reconcile(0.002);
    counters.add_reconcile(5);
    const std::string text = metrics_text({}, counters);
    const std::string name = "controller_runtime_reconcile_time_seconds";
    for (const char* line : {
             "_bucket{controller=\"fleet\",le=\"0.0001\"} 0\n",
             "_bucket{controller=\"fleet\",le=\"0.0003\"} 1\n",
             "_bucket{controller=\"fleet\",le=\"1\"} 2\n",
             "_bucket{controller=\"fleet\",le=\"+Inf\"} 3\n",
             "_count{controller=\"fleet\"} 3\n",
         })
        EXPECT_THAT(text, HasSubstr(name + line));
}

}  // namespace
}  // namespace penstock::host
