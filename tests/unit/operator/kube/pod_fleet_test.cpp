#include "operator/kube/pod_fleet.hpp"

#include "tests/support/reporting_proxy.hpp"
#include "tests/support/scripted_api.hpp"

#include <algorithm>

#include <gmock/gmock.h>

namespace penstock::kube {
namespace {

using domain::ProxyPhase;
using test::run_until;
using test::running_pod;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

class PodFleetTest : public ::testing::Test {
 protected:
    std::vector<std::string> ids() const {
        std::vector<std::string> ids;
        for (const domain::Proxy& each : fleet_.proxies()) ids.push_back(each.id);
        return ids;
    }
    domain::Proxy proxy(const std::string& id) const {
        for (const domain::Proxy& each : fleet_.proxies())
            if (each.id == id) return each;
        ADD_FAILURE() << "no proxy " << id;
        return {};
    }
    // The process of orders-1 has this id, and is asked.
    void report(const std::string& id) {
        served_.report.proxy_id = id;
        fleet_.exchange();
        ASSERT_TRUE(run_until(io_, [&] {
            const auto all = ids();
            return std::find(all.begin(), all.end(), id) != all.end();
        }));
    }

    boost::asio::io_context io_;
    test::ReportingProxy served_{io_, "orders-1-a"};
    PodFleet fleet_{ProxySurroundings{
        io_, [this](const objects::PodFacts&) { return std::optional(served_.access()); }, [] {}}};
    objects::PodFacts pod_ = running_pod("orders-1");
};

TEST_F(PodFleetTest, OnlyWhatRanAtFirstSightIsInherited) {
    objects::PodFacts waiting = running_pod("orders-2");
    waiting.container_id.clear();
    waiting.running = waiting.ready = false;
    EXPECT_FALSE(fleet_.has_seen());
    fleet_.see({pod_, waiting});
    EXPECT_TRUE(fleet_.has_seen());
    fleet_.see({pod_, waiting, running_pod("orders-3")});
    EXPECT_TRUE(proxy("pod/shop/orders-1").inherited);
    EXPECT_FALSE(proxy("pod/shop/orders-2").inherited);
    EXPECT_FALSE(proxy("pod/shop/orders-3").inherited);
}

TEST_F(PodFleetTest, AContainerThatStartsAnewIsAnotherProxy) {
    fleet_.see({pod_});
    report("orders-1-a");
    pod_.container_id = "containerd://2";
    fleet_.see({pod_});
    EXPECT_THAT(ids(), UnorderedElementsAre("orders-1-a", "pod/shop/orders-1"));
    EXPECT_EQ(proxy("orders-1-a").phase, ProxyPhase::Gone);
    EXPECT_EQ(proxy("pod/shop/orders-1").phase, ProxyPhase::Starting);
    report("orders-1-b");
    EXPECT_THAT(ids(), UnorderedElementsAre("orders-1-a", "orders-1-b"));
    fleet_.forget("orders-1-a");
    EXPECT_THAT(ids(), ElementsAre("orders-1-b"));
}

// Crashed, waiting, started: the next proxy is one from its beginning.
TEST_F(PodFleetTest, AContainerThatCrashedIsFollowedByOne) {
    fleet_.see({pod_});
    report("orders-1-a");
    pod_.running = pod_.ready = false;
    pod_.fault = "CrashLoopBackOff";
    fleet_.see({pod_});
    fleet_.see({pod_});
    EXPECT_THAT(ids(), UnorderedElementsAre("orders-1-a", "pod/shop/orders-1"));
    pod_.container_id = "containerd://2";
    pod_.running = pod_.ready = true;
    pod_.fault.clear();
    fleet_.see({pod_});
    report("orders-1-b");
    EXPECT_THAT(ids(), UnorderedElementsAre("orders-1-a", "orders-1-b"));
}

// The new process answers before the kubelet tells of its container: it is counted once.
TEST_F(PodFleetTest, AProcessThatIsKnownBeforeItsContainerIsOneProxy) {
    fleet_.see({pod_});
    report("orders-1-a");
    served_.report.proxy_id = "orders-1-b";
    fleet_.exchange();
    ASSERT_TRUE(run_until(io_, [&] { return fleet_.has_ends_to_see(); }));
    fleet_.see({pod_});
    EXPECT_FALSE(fleet_.has_ends_to_see());
    fleet_.exchange();
    test::settle(io_);
    pod_.running = pod_.ready = false;
    fleet_.see({pod_});
    pod_.container_id = "containerd://2";
    pod_.running = pod_.ready = true;
    fleet_.see({pod_});
    report("orders-1-b");
    fleet_.see({pod_});
    EXPECT_THAT(ids(), UnorderedElementsAre("orders-1-a", "orders-1-b"));
    EXPECT_EQ(proxy("orders-1-a").phase, ProxyPhase::Gone);
    EXPECT_EQ(proxy("orders-1-b").phase, ProxyPhase::Running);
}

TEST_F(PodFleetTest, APodThatIsDeletedDrainsAndIsGoneUntilForgotten) {
    fleet_.see({pod_});
    report("orders-1-a");
    pod_.terminating = true;
    fleet_.see({pod_});
    EXPECT_EQ(proxy("orders-1-a").phase, ProxyPhase::Draining);
    EXPECT_EQ(fleet_.living("shop/orders"), 0);
    EXPECT_THAT(fleet_.of("shop/orders"), SizeIs(1));
    fleet_.see({});
    EXPECT_EQ(proxy("orders-1-a").phase, ProxyPhase::Gone);
    EXPECT_THAT(fleet_.of("shop/orders"), IsEmpty());
    fleet_.forget("orders-1-a");
    EXPECT_THAT(ids(), IsEmpty());
}

TEST_F(PodFleetTest, OneThatNeverReportedJustDisappears) {
    fleet_.see({pod_});
    EXPECT_THAT(ids(), ElementsAre("pod/shop/orders-1"));
    fleet_.see({});
    EXPECT_THAT(ids(), IsEmpty());
}

TEST_F(PodFleetTest, APodThatHasEndedIsNobodyOnceForgotten) {
    fleet_.see({pod_});
    report("orders-1-a");
    pod_.ended = true;
    pod_.running = pod_.ready = false;
    fleet_.see({pod_});
    EXPECT_EQ(proxy("orders-1-a").phase, ProxyPhase::Gone);
    EXPECT_FALSE(fleet_.has_ends_to_see());
    fleet_.forget("orders-1-a");
    fleet_.see({pod_});
    EXPECT_THAT(ids(), IsEmpty());
    fleet_.see({});
    EXPECT_THAT(ids(), IsEmpty());
}

TEST_F(PodFleetTest, GrantsGoToTheProxyThatTheyNameOrNowhere) {
    fleet_.see({pod_});
    report("orders-1-a");
    fleet_.push({"orders-1-zz", {5, 1, 9, std::nullopt}});
    fleet_.push({"orders-1-a", {5, 2, 7, std::nullopt}});
    ASSERT_TRUE(run_until(io_, [&] { return proxy("orders-1-a").report->granted == 7; }));
    EXPECT_THAT(served_.grants, SizeIs(1));
}

TEST_F(PodFleetTest, AskingTheStartingLeavesTheOthersAlone) {
    fleet_.see({pod_});
    fleet_.exchange_starting();
    ASSERT_TRUE(run_until(io_, [&] { return ids().at(0) == "orders-1-a"; }));
    const int before = served_.asked;
    fleet_.exchange_starting();
    test::settle(io_);
    EXPECT_EQ(served_.asked, before);
}

TEST_F(PodFleetTest, CountsTheLivingOfEachPool) {
    objects::PodFacts other = running_pod("billing-1");
    other.pool = "shop/billing";
    objects::PodFacts ended = running_pod("orders-3");
    ended.ended = true;
    fleet_.see({pod_, running_pod("orders-2"), ended, other});
    EXPECT_EQ(fleet_.living("shop/orders"), 2);
    EXPECT_EQ(fleet_.living("shop/billing"), 1);
    EXPECT_EQ(fleet_.living("shop/none"), 0);
}

}  // namespace
}  // namespace penstock::kube
