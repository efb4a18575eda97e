#include "dataplane/net/metrics_page.hpp"

#include <gmock/gmock.h>

namespace penstock::net {
namespace {

using ::testing::HasSubstr;
using namespace std::chrono_literals;

class MetricsPageTest : public ::testing::Test {
 protected:
    std::string page() {
        count_workers(report_, {&metrics_}, board_, {});
        return metrics_text({{&metrics_}, report_, 2, 1, 1'700'000'000});
    }

    proxy::Metrics metrics_;
    pool::Board board_{1, 10};
    api::Report report_;
};

TEST_F(MetricsPageTest, CountersAndGaugesNameThePool) {
    report_.pool = "shop/orders";
    report_.granted = 12;
    metrics_.queries.add(41);
    metrics_.servers_idle.set(3);
    metrics_.clients_waiting.set(5);
    const std::string text = page();
    EXPECT_THAT(text, HasSubstr("penstock_proxy_queries_total{pool=\"shop/orders\"} 41\n"));
    EXPECT_THAT(text, HasSubstr("penstock_proxy_servers{pool=\"shop/orders\",state=\"idle\"} 3\n"));
    EXPECT_THAT(
        text, HasSubstr("penstock_proxy_clients{pool=\"shop/orders\",state=\"waiting\"} 5\n")
    );
    EXPECT_THAT(text, HasSubstr("penstock_proxy_granted_servers{pool=\"shop/orders\"} 12\n"));
    EXPECT_THAT(text, HasSubstr("penstock_proxy_reloads_total{pool=\"shop/orders\"} 2\n"));
    EXPECT_THAT(text, HasSubstr("process_resident_memory_bytes"));
}

TEST_F(MetricsPageTest, HistogramsAreCumulativeAndInSeconds) {
    metrics_.wait.add(60us);
    metrics_.wait.add(1ms);
    metrics_.wait.add(1h);
    const std::string text = page();
    EXPECT_THAT(text, HasSubstr("penstock_proxy_wait_seconds_count{pool=\"\"} 3\n"));
    EXPECT_THAT(text, HasSubstr("penstock_proxy_wait_seconds_sum{pool=\"\"} 3600.00106\n"));
    EXPECT_THAT(text, HasSubstr("penstock_proxy_wait_seconds_bucket{pool=\"\",le=\"5e-05\"} 0\n"));
    EXPECT_THAT(text, HasSubstr("penstock_proxy_wait_seconds_bucket{pool=\"\",le=\"0.0012\"} 2\n"));
    EXPECT_THAT(text, HasSubstr("penstock_proxy_wait_seconds_bucket{pool=\"\",le=\"+Inf\"} 3\n"));
}

}  // namespace
}  // namespace penstock::net
