#include "operator/domain/limit.hpp"

#include "tests/support/fleet_builder.hpp"

#include <functional>

#include <gtest/gtest.h>

namespace penstock::domain {
namespace {

// The reason in status after a pool of one proxy has settled; `change` makes the case.
std::string reason_after(const std::function<void(test::Fleet&)>& change) {
    test::Fleet fleet;
    fleet.observed.pools = {test::pool("main")};
    fleet.add("pa", "main");
    change(fleet);
    fleet.rounds(15);
    return fleet.observed.pools[0].status.limited_by;
}

TEST(Limit, NamesWhatBinds) {
    const auto spec = [](test::Fleet& fleet) -> api::ConnectionPoolSpec& {
        return fleet.observed.pools[0].spec;
    };
    struct Case {
        const char* expected;
        std::function<void(test::Fleet&)> change;
    };
    const Case cases[] = {
        {"Floor", [](test::Fleet&) {}},
        {"Demand", [](test::Fleet& fleet) { fleet.load("pa", 10, 0); }},
        {"Headroom", [](test::Fleet& fleet) { fleet.load("pa", 10, 300); }},
        {"OtherConnections",
         [](test::Fleet& fleet) {
             fleet.load("pa", 10, 300);
             fleet.report("pa").facts->others = 30;
         }},
        {"Percent",
         [&](test::Fleet& fleet) {
             fleet.load("pa", 10, 300);
             spec(fleet).budget.max_server_connections_percent = 50;
         }},
        {"Spec",
         [&](test::Fleet& fleet) {
             fleet.load("pa", 10, 300);
             spec(fleet).budget.max_server_connections = 20;
         }},
        {"Spec",
         [&](test::Fleet& fleet) {
             fleet.load("pa", 10, 300);
             spec(fleet).sizing.max_server_connections = 20;
         }},
        {"Fixed",
         [&](test::Fleet& fleet) {
             spec(fleet).sizing.mode = api::SizingMode::Fixed;
             spec(fleet).sizing.server_connections = 20;
         }},
        {"SharedDatabase",
         [](test::Fleet& fleet) {
             fleet.observed.pools.push_back(test::pool("other"));
             fleet.add("pb", "other");
             fleet.load("pa", 10, 300);
             fleet.load("pb", 10, 300);
         }},
        {"Learning",
         [](test::Fleet& fleet) {
             fleet.load("pa", 10, 300);
             fleet.add("pb", "main");
             fleet.at("pb").report.reset();
         }},
        {"Unknown", [](test::Fleet& fleet) { fleet.report("pa").facts.reset(); }},
        {"Policy",
         [](test::Fleet& fleet) {
             fleet.load("pa", 40, 0);
             fleet.observed.policies.push_back(test::policy("p", "main"));
             fleet.observed.policies[0].spec.concurrency.maximum = 5;
         }},
    };
    for (const Case& each : cases) {
        SCOPED_TRACE(each.expected);
        EXPECT_EQ(reason_after(each.change), each.expected);
    }
}

}  // namespace
}  // namespace penstock::domain
