#include "operator/kube/api_metrics.hpp"

#include "tests/support/scripted_api.hpp"

#include <gmock/gmock.h>

namespace penstock::kube {
namespace {

using test::FakeApiServer;
using test::settle;
using ::testing::HasSubstr;

TEST(ApiMetrics, RequestsHaveTheNamesOfClientGo) {
    metrics::Families families;
    add_requests(families, {{{"GET", "200"}, 3}, {{"PATCH", "<error>"}, 1}}, "https://api:6443");
    const std::string text = families.text();
    for (const char* line :
         {"rest_client_requests_total{code=\"200\",method=\"GET\",host=\"https://api:6443\"} 3\n",
          "rest_client_requests_total{code=\"<error>\",method=\"PATCH\",host=\"https://api:6443\"} "
          "1"
          "\n"})
        EXPECT_THAT(text, HasSubstr(line));
}

TEST(ApiMetrics, TheLeaderSaysSo) {
    metrics::Families families;
    add_election(families, "penstock-operator", true);
    EXPECT_THAT(
        families.text(), HasSubstr("leader_election_master_status{name=\"penstock-operator\"} 1\n")
    );
}

TEST(ApiMetrics, WritesThatWaitAndThoseThatFailedAreCounted) {
    runtime::Writer writer({});
    const runtime::Writer::Time now{};
    writer.want("a", {{runtime::Method::Put, "/a", {}, {}, {}}}, now);
    writer.want("b", {{runtime::Method::Put, "/b", {}, {}, {}}}, now);
    const auto job = writer.take(now);
    writer.finish(job->key, FakeApiServer::refusal(422, "Invalid"), now);
    metrics::Families families;
    add_writer(families, writer);
    for (const char* line :
         {"workqueue_depth{name=\"writes\"} 2\n",
          "workqueue_adds_total{name=\"writes\"} 1\n",
          "controller_runtime_reconcile_errors_total{controller=\"fleet\"} 1\n",
          "controller_runtime_terminal_reconcile_errors_total{controller=\"fleet\"} 1\n",
          "controller_runtime_active_workers{controller=\"fleet\"} 0\n"})
        EXPECT_THAT(families.text(), HasSubstr(line));
}

TEST(ApiMetrics, WatchesTellHowOldTheirNewsIs) {
    boost::asio::io_context io;
    test::ScriptedApi api(io);
    Cache cache(io, api, {"a", "b"}, [] {});
    cache.begin();
    settle(io);
    api.end_streams(FakeApiServer::refusal(410, "Expired"));
    settle(io);
    metrics::Families families;
    add_cache(families, cache);
    const std::string text = families.text();
    for (const char* line :
         {"penstock_watch_lists_total{kind=\"Pod\"} 2\n",
          "penstock_watch_relists_total{kind=\"Pod\",reason=\"Gone\"} 2\n",
          "penstock_watch_staleness_seconds{kind=\"Deployment\"} "})
        EXPECT_THAT(text, HasSubstr(line));
}

}  // namespace
}  // namespace penstock::kube
