#include "operator/domain/rollout.hpp"

#include <algorithm>

#include <gtest/gtest.h>

namespace penstock::domain {
namespace {

Workload workload(std::int32_t replicas, std::int32_t starts = 3, std::int32_t surge = 1) {
    Workload workload;
    workload.pool = "default/main";
    workload.replicas = replicas;
    workload.restart_hash = "new";
    workload.starts_allowed = starts;
    workload.surge = surge;
    return workload;
}

Proxy proxy(const std::string& id, const std::string& hash, bool ready = true) {
    Proxy proxy;
    proxy.id = id;
    proxy.pool = "default/main";
    proxy.phase = ProxyPhase::Running;
    proxy.restart_hash = hash;
    proxy.ready = ready;
    return proxy;
}

TEST(Rollout, StartsWhatIsMissingAsFarAsTheReserveAllows) {
    EXPECT_EQ(next_step(workload(5), {}), (RolloutStep{3, {}, false}));
    EXPECT_EQ(next_step(workload(2), {proxy("a", "new")}), (RolloutStep{1, {}, false}));
    EXPECT_EQ(next_step(workload(2, 0), {proxy("a", "new")}), (RolloutStep{0, {}, false}));
    EXPECT_EQ(
        next_step(workload(2), {proxy("a", "new"), proxy("b", "new")}), (RolloutStep{0, {}, true})
    );
}

TEST(Rollout, DrainsWhatIsTooManyUnreadyFirst) {
    EXPECT_EQ(
        next_step(workload(1), {proxy("a", "new"), proxy("b", "new", false)}),
        (RolloutStep{0, {"b"}, false})
    );
    EXPECT_EQ(next_step(workload(0), {proxy("a", "old")}), (RolloutStep{0, {"a"}, false}));
}

TEST(Rollout, OthersAndThoseThatLeaveAreNotCounted) {
    Proxy draining = proxy("a", "new");
    draining.phase = ProxyPhase::Draining;
    Proxy gone = proxy("b", "new");
    gone.phase = ProxyPhase::Gone;
    Proxy other = proxy("c", "new");
    other.pool = "default/other";
    EXPECT_EQ(next_step(workload(1), {draining, gone, other}), (RolloutStep{1, {}, false}));
}

TEST(Rollout, ReplacesOneByOneWithASurge) {
    std::vector<Proxy> proxies{proxy("a", "old"), proxy("b", "old")};
    EXPECT_EQ(next_step(workload(2), proxies), (RolloutStep{1, {}, false}));
    proxies.push_back(proxy("c", "new", false));
    EXPECT_EQ(next_step(workload(2), proxies), (RolloutStep{0, {}, false}));
    proxies.back().ready = true;
    EXPECT_EQ(next_step(workload(2), proxies), (RolloutStep{1, {"a"}, false}));
}

TEST(Rollout, WithoutRoomAnOldOneLeavesFirst) {
    std::vector<Proxy> proxies{proxy("a", "old"), proxy("b", "old")};
    EXPECT_EQ(next_step(workload(2, 0, 0), proxies), (RolloutStep{0, {"a"}, false}));
    proxies[0].phase = ProxyPhase::Draining;
    EXPECT_EQ(next_step(workload(2, 0, 0), proxies), (RolloutStep{0, {}, false}));
    EXPECT_EQ(next_step(workload(2, 1, 0), proxies), (RolloutStep{1, {}, false}));
}

// However it is stepped, the pool serves and never has more than one extra process.
TEST(Rollout, EndsAndServesAllTheTime) {
    std::vector<Proxy> proxies{proxy("a", "old"), proxy("b", "old"), proxy("c", "old")};
    int next = 0;
    for (int i = 0; i < 20; ++i) {
        const RolloutStep step = next_step(workload(3), proxies);
        for (const std::string& id : step.drain)
            std::erase_if(proxies, [&](const Proxy& each) { return each.id == id; });
        for (Proxy& each : proxies) each.ready = true;
        const auto ready = std::count_if(proxies.begin(), proxies.end(), [](const Proxy& each) {
            return each.ready;
        });
        ASSERT_GE(ready, 3);
        for (std::int32_t n = 0; n < step.start; ++n)
            proxies.push_back(proxy("n" + std::to_string(++next), "new", false));
        ASSERT_LE(proxies.size(), 4U);
        if (step.done) return;
    }
    FAIL() << "the rollout does not end";
}

}  // namespace
}  // namespace penstock::domain
