#include "operator/domain/policy_status.hpp"

#include "tests/support/fleet_builder.hpp"

#include <gtest/gtest.h>

namespace penstock::domain {
namespace {

struct PolicyStatusTest : ::testing::Test {
    test::Fleet fleet;
    PolicyStatusTest() {
        fleet.observed.pools = {test::pool("main")};
        fleet.observed.policies = {test::policy("p", "main")};
        fleet.add("a", "main");
    }
    std::string reason(const std::string& type, std::size_t index = 0) {
        return test::Fleet::reason_of(fleet.observed.policies[index].status.conditions, type);
    }
    // Rounds with so many queries of so long each.
    void rounds(int count, std::uint32_t latency_us, std::uint64_t queries) {
        for (int i = 0; i < count; ++i) {
            test::sample(fleet.report("a").query, latency_us, queries);
            fleet.round();
        }
    }
};

TEST_F(PolicyStatusTest, AttachedAndWithinTarget) {
    rounds(10, 1000, 100);
    EXPECT_EQ(reason("Ready"), "Attached");
    EXPECT_EQ(reason("Accepted"), "Accepted");
    EXPECT_EQ(reason("Enforced"), "Enforced");
    EXPECT_EQ(reason("Throttling"), "WithinTarget");
    EXPECT_EQ(reason("SignalsFresh"), "Fresh");
    EXPECT_EQ(reason("Reconciling"), "");
    const auto& targets = fleet.observed.policies[0].status.targets;
    ASSERT_EQ(targets.size(), 1U);
    EXPECT_EQ(targets[0].name, "main");
    EXPECT_EQ(targets[0].observed_latency_milliseconds, 2);
    EXPECT_EQ(fleet.observed.policies[0].status.observed_generation, 1);
}

TEST_F(PolicyStatusTest, ThrottlingStartsAndIsTold) {
    fleet.load("a", 20, 0);
    rounds(10, 1000, 100);
    bool told = false;
    for (int i = 0; i < 10; ++i) {
        rounds(1, 100'000, 100);
        told = told || fleet.told("ThrottlingStarted");
    }
    EXPECT_TRUE(told);
    EXPECT_EQ(reason("Throttling"), "LatencyAboveTarget");
    EXPECT_GT(fleet.observed.policies[0].status.targets[0].concurrency_limit, 0);
}

TEST_F(PolicyStatusTest, SaysWhyItDoesNotAct) {
    fleet.observed.policies.push_back(test::policy("q", "main"));
    fleet.observed.policies.push_back(test::policy("r", "nobody"));
    fleet.observed.policies.push_back(test::policy("s", "x"));
    fleet.observed.policies[3].spec.target_refs.clear();
    fleet.observed.policies[3].spec.selector = api::PoolSelector{{{"a", "b"}}};
    fleet.observed.policies[0].spec.mode = api::BackpressureMode::Observe;
    fleet.rounds(1);
    EXPECT_EQ(reason("Enforced"), "ObserveOnly");
    EXPECT_EQ(reason("SignalsFresh"), "TooFewSamples");
    EXPECT_EQ(reason("Ready", 1), "Conflicted");
    EXPECT_TRUE(fleet.told("PolicyConflicted"));
    EXPECT_EQ(reason("Ready", 2), "TargetNotFound");
    EXPECT_EQ(reason("Enforced", 2), "NoTargets");
    EXPECT_EQ(reason("Ready", 3), "NoTargets");
}

TEST_F(PolicyStatusTest, FaultyTextStalls) {
    fleet.observed.policy_faults["default/p"] = {{"spec.latency", "must be set"}};
    fleet.round();
    EXPECT_EQ(reason("Stalled"), "InvalidSpec");
    EXPECT_EQ(reason("Ready"), "InvalidSpec");
}

}  // namespace
}  // namespace penstock::domain
