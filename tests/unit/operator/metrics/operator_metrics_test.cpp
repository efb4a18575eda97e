#include "operator/metrics/operator_metrics.hpp"

#include <gmock/gmock.h>

namespace penstock::metrics {
namespace {

using testing::HasSubstr;

std::string text_of(const domain::Observed& observed, const OperatorCounters& counters) {
    Families families;
    add_operator(families, observed, counters);
    return families.text();
}

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
    const std::string text = text_of(observed, {});
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
    const std::string text = text_of({}, counters);
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

TEST(OperatorMetrics, APoolAboveItsCeilingCountsOnceUntilItIsBelow) {
    OperatorCounters counters;
    std::vector<api::ConnectionPool> pools(1);
    pools[0].metadata.name = "orders";
    counters.count_violations(pools);
    pools[0].status.budget = api::BudgetStatus{};
    pools[0].status.budget->ceiling = 10;
    for (const std::int32_t in_use : {10, 11, 12, 10, 11}) {
        pools[0].status.budget->in_use = in_use;
        counters.count_violations(pools);
    }
    EXPECT_EQ(counters.budget_violations, 2U);
}

}  // namespace
}  // namespace penstock::metrics
