#include "operator/host/show.hpp"

#include "crds/yaml/yaml.hpp"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

namespace penstock::host {
namespace {

using testing::HasSubstr;

constexpr std::int64_t now = 1714564860;  // 2024-05-01T12:01:00Z

api::Document pool(const std::string& name) {
    return yaml::read_one(
               "apiVersion: penstock.dev/v1alpha1\nkind: ConnectionPool\n"
               "metadata: {name: " +
                   name +
                   ", namespace: shop, generation: 3, labels: {team: a, tier: b},\n"
                   "  creationTimestamp: '2024-05-01T12:00:00Z'}\n"
                   "spec: {database: {host: db1, port: 5432}, sizing: {mode: Auto}}\n"
                   "status:\n  readyReplicas: 2\n  limitedBy: Demand\n  budget: {ceiling: 67, "
                   "granted: 12, inUse: 5}\n"
                   "  conditions:\n  - {type: Ready, status: 'True', reason: Available, message: "
                   "all is well,\n"
                   "     lastTransitionTime: '2024-05-01T12:00:30Z'}\n"
                   "  proxies:\n  - {name: a, granted: 6}\n  - {name: b, granted: 6, clients: 3}\n"
                   "events:\n- {type: Warning, reason: CeilingLowered, note: from 80 to 67, count: "
                   "3,\n"
                   "   firstTime: '2024-05-01T12:00:20Z', lastTime: '2024-05-01T12:00:50Z'}\n",
               "test"
    )
        .value();
}

api::Document policy() {
    return {
        {"kind", "Backpressure"},
        {"metadata", {{"name", "calm"}, {"namespace", "shop"}}},
        {"spec", {{"mode", "Enforce"}}}};
}

TEST(Show, PoolsAreATableWithTheColumnsOfTheirDefinition) {
    EXPECT_EQ(
        print_resources({pool("orders")}, Output::Table, Namespaces::One, false, now),
        "NAME     READY   REASON      REPLICAS   INUSE   GRANTED   CEILING   MODE   AGE\n"
        "orders   True    Available   2          5       12        67        Auto   60s\n"
    );
}

TEST(Show, WideHasMoreColumnsAndAllNamespacesHaveOne) {
    const std::string text =
        print_resources({pool("orders")}, Output::Wide, Namespaces::All, false, now);
    EXPECT_THAT(text, testing::StartsWith("NAMESPACE   NAME"));
    EXPECT_THAT(text, HasSubstr("LIMITEDBY"));
    EXPECT_THAT(text, HasSubstr("shop        orders"));
    EXPECT_THAT(text, HasSubstr("db1"));
}

TEST(Show, BothKindsAreTwoTablesWithFullNames) {
    const std::string text =
        print_resources({pool("orders"), policy()}, Output::Table, Namespaces::One, false, now);
    EXPECT_THAT(text, HasSubstr("\nconnectionpool.penstock.dev/orders "));
    EXPECT_THAT(text, HasSubstr("\n\nNAME"));
    EXPECT_THAT(text, HasSubstr("\nbackpressure.penstock.dev/calm "));
}

TEST(Show, ResourceWithoutStatusHasEmptyCells) {
    EXPECT_THAT(
        print_resources({policy()}, Output::Table, Namespaces::One, false, now), HasSubstr("calm")
    );
}

TEST(Show, YamlAndJsonAreTheResourceWithoutEvents) {
    const auto yaml_text = print_resources({pool("a")}, Output::Yaml, Namespaces::One, true, now);
    EXPECT_EQ(yaml::read_one(yaml_text, "x").value()["metadata"]["name"], "a");
    EXPECT_THAT(yaml_text, testing::Not(HasSubstr("events")));
    const auto json_text =
        print_resources({pool("a"), pool("b")}, Output::Json, Namespaces::One, false, now);
    const auto list = api::parse_json(json_text).value();
    EXPECT_EQ(list["kind"], "List");
    EXPECT_EQ(list["items"].size(), 2U);
}

TEST(Show, NamesAreForOtherPrograms) {
    EXPECT_EQ(
        print_resources({pool("a"), policy()}, Output::Name, Namespaces::One, false, now),
        "connectionpool.penstock.dev/a\nbackpressure.penstock.dev/calm\n"
    );
}

TEST(Show, DescribeTellsAll) {
    const std::string text = describe_resource(pool("orders"), now);
    for (const char* part : {
             "Name:",
             "orders",
             "Namespace:",
             "team=a,tier=b",
             "Annotations:",
             "<none>",
             "  Database:",
             "    Host:",
             "db1",
             "Ready Replicas:",
             "  Ready   True     30s     Available   all is well",
             "Proxies:\n  Name   Granted   Clients\n  a      6\n  b      6         3\n",
             "  Warning   CeilingLowered   10s (x3 over 40s)   penstock-operator   from 80 to 67",
         })
        EXPECT_THAT(text, HasSubstr(part));
}

TEST(Show, DescribeWithoutStatusSaysNone) {
    const std::string text = describe_resource(policy(), now);
    EXPECT_THAT(text, HasSubstr("Conditions:  <none>"));
    EXPECT_THAT(text, HasSubstr("Events:  <none>"));
}

}  // namespace
}  // namespace penstock::host
