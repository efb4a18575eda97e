#include "operator/reconcile/fleet.hpp"

#include "tests/support/fleet_builder.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace penstock::reconcile {
namespace {

// An engine that writes down what it is told.
struct RecordingEngine {
    domain::Observed observed;
    std::vector<std::string> calls;

    domain::Observed observe() { return observed; }
    void apply(const domain::Workload& workload) { calls.push_back("apply " + workload.pool); }
    void remove(const std::string& pool) { calls.push_back("remove " + pool); }
    void push(const domain::GrantPush& push) { calls.push_back("push " + push.proxy_id); }
    void write(const domain::PoolStatusWrite& write) { calls.push_back("write " + write.pool); }
    void write(const domain::PolicyStatusWrite& write) { calls.push_back("write " + write.policy); }
    void record(const domain::Event& event) { calls.push_back("record " + event.reason); }
    void forget(const std::string& proxy_id) { calls.push_back("forget " + proxy_id); }
};
static_assert(Engine<RecordingEngine>);

TEST(Fleet, CarriesOutThePlanStatusLast) {
    RecordingEngine engine;
    domain::Memory memory{1};
    const domain::Time now{std::chrono::hours{1}};
    engine.observed.pools = {test::pool("main")};
    engine.observed.policies = {test::policy("p", "main")};
    engine.observed.proxies = {test::proxy("a", "default/main", now)};
    const domain::Plan plan = reconcile(engine, memory, {now, "T"});
    EXPECT_EQ(plan.workloads.size(), 1U);
    EXPECT_EQ(
        engine.calls,
        (std::vector<std::string>{
            "apply default/main",
            "push a",
            "record DatabaseReachable",
            "write default/main",
            "write default/p"})
    );
}

TEST(Fleet, RemovesWhatIsDeleted) {
    RecordingEngine engine;
    domain::Memory memory{1};
    const domain::Time now{std::chrono::hours{1}};
    engine.observed.pools = {test::pool("main")};
    reconcile(engine, memory, {now, "T"});
    engine.calls.clear();
    engine.observed.pools.clear();
    reconcile(engine, memory, {now + std::chrono::seconds{1}, "T"});
    EXPECT_EQ(engine.calls, std::vector<std::string>{"remove default/main"});
}

}  // namespace
}  // namespace penstock::reconcile
