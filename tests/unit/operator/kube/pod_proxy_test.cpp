#include "operator/kube/pod_proxy.hpp"

#include "tests/support/reporting_proxy.hpp"
#include "tests/support/scripted_api.hpp"

#include <gmock/gmock.h>

namespace penstock::kube {
namespace {

using domain::ProxyPhase;
using test::run_until;
using test::running_pod;
using ::testing::HasSubstr;

class PodProxyTest : public ::testing::Test {
 protected:
    void make(bool inherited = false, const std::string& previous = {}) {
        proxy_ = std::make_unique<PodProxy>(surroundings_, pod_, inherited, previous);
    }
    void report() {
        const int before = served_.asked;
        proxy_->exchange();
        ASSERT_TRUE(run_until(io_, [&] { return served_.asked > before && news_ > 0; }));
        ASSERT_TRUE(run_until(io_, [&] { return proxy_->has_reported(); }));
    }
    const domain::Proxy& seen() const { return proxy_->seen(); }

    boost::asio::io_context io_;
    test::ReportingProxy served_{io_, "orders-1-ab12"};
    objects::PodFacts pod_ = running_pod("orders-1");
    bool has_access_ = true;
    int news_ = 0;
    ProxySurroundings surroundings_{
        io_,
        [this](const objects::PodFacts&) -> std::optional<http::ProxyAccess> {
            if (!has_access_) return std::nullopt;
            return served_.access();
        },
        [this] { ++news_; }};
    std::unique_ptr<PodProxy> proxy_;
};

TEST_F(PodProxyTest, IsSomebodyWhenItHasReported) {
    make(true);
    EXPECT_EQ(seen().id, "pod/shop/orders-1");
    EXPECT_EQ(seen().phase, ProxyPhase::Starting);
    EXPECT_TRUE(seen().inherited);
    EXPECT_TRUE(seen().ready);
    EXPECT_EQ(seen().pool, "shop/orders");
    EXPECT_EQ(seen().restart_hash, "hash");
    report();
    EXPECT_EQ(seen().id, "orders-1-ab12");
    EXPECT_EQ(seen().phase, ProxyPhase::Running);
    EXPECT_EQ(seen().report->config_generation, 3);
}

TEST_F(PodProxyTest, IsNotAskedBeforeItRunsOrWhileTheKeysAreNotKnown) {
    pod_.running = false;
    make();
    proxy_->exchange();
    pod_.running = true;
    pod_.ip.clear();
    proxy_->see(pod_);
    proxy_->exchange();
    pod_.ip = "127.0.0.1";
    proxy_->see(pod_);
    has_access_ = false;
    proxy_->exchange();
    test::settle(io_);
    EXPECT_EQ(served_.asked, 0);
    EXPECT_EQ(seen().phase, ProxyPhase::Starting);
    has_access_ = true;
    report();
}

TEST_F(PodProxyTest, AGrantWaitsForTheFirstReport) {
    make();
    proxy_->push({5, 1, 7, std::nullopt});
    ASSERT_TRUE(run_until(io_, [&] { return !served_.grants.empty(); }));
    EXPECT_EQ(served_.grants.at(0).server_connections, 7);
    ASSERT_TRUE(run_until(io_, [&] { return seen().report && seen().report->granted == 7; }));
    EXPECT_EQ(served_.asked, 2) << "the report, then the grant, which is answered with one";
}

TEST_F(PodProxyTest, OfTwoGrantsThatWaitTheNewestIsSent) {
    make();
    report();
    proxy_->exchange();
    proxy_->push({5, 1, 7, std::nullopt});
    proxy_->push({5, 2, 9, std::nullopt});
    ASSERT_TRUE(run_until(io_, [&] { return seen().report->granted == 9; }));
    EXPECT_EQ(served_.grants.size(), 1U);
}

TEST_F(PodProxyTest, AnExchangeThatFailsIsNamedUntilOneSucceeds) {
    make();
    served_.status = 500;
    proxy_->exchange();
    ASSERT_TRUE(run_until(io_, [&] { return news_ == 1; }));
    EXPECT_THAT(seen().fault, HasSubstr("500"));
    EXPECT_FALSE(proxy_->has_reported());
    served_.status = 200;
    report();
    EXPECT_EQ(seen().fault, "");
}

TEST_F(PodProxyTest, AnotherContainerEndsIt) {
    make();
    report();
    pod_.container_id = "containerd://2";
    proxy_->see(pod_);
    EXPECT_EQ(seen().phase, ProxyPhase::Gone);
    EXPECT_FALSE(seen().ready);
    EXPECT_EQ(proxy_->container(), "containerd://orders-1-1");
    const int before = served_.asked;
    proxy_->exchange();
    test::settle(io_);
    EXPECT_EQ(served_.asked, before);
}

TEST_F(PodProxyTest, AContainerThatStopsEndsItAndSaysWhy) {
    make();
    report();
    pod_.running = false;
    pod_.fault = "OOMKilled (exit status 137)";
    proxy_->see(pod_);
    EXPECT_EQ(seen().phase, ProxyPhase::Gone);
    EXPECT_EQ(seen().fault, "ended: OOMKilled (exit status 137)");
}

TEST_F(PodProxyTest, AnotherProcessAtItsAddressEndsIt) {
    make();
    report();
    served_.report.proxy_id = "orders-1-cd34";
    proxy_->exchange();
    ASSERT_TRUE(run_until(io_, [&] { return seen().phase == ProxyPhase::Gone; }));
    EXPECT_EQ(seen().id, "orders-1-ab12");
    EXPECT_THAT(seen().fault, HasSubstr("another process"));
}

TEST_F(PodProxyTest, APodThatIsToldToEndDrains) {
    make();
    report();
    pod_.terminating = true;
    proxy_->see(pod_);
    EXPECT_EQ(seen().phase, ProxyPhase::Draining);
    EXPECT_FALSE(seen().ready);
    pod_.running = false;
    pod_.fault = "Completed (exit status 0)";
    proxy_->see(pod_);
    EXPECT_EQ(seen().phase, ProxyPhase::Gone);
    EXPECT_EQ(seen().fault, "") << "it was told to";
}

TEST_F(PodProxyTest, AReportThatItDrainsCounts) {
    make();
    served_.report.draining = true;
    report();
    EXPECT_EQ(seen().phase, ProxyPhase::Draining);
}

TEST_F(PodProxyTest, APodThatIsGoneEndsIt) {
    make();
    report();
    proxy_->see_no_pod();
    EXPECT_EQ(seen().phase, ProxyPhase::Gone);
    EXPECT_EQ(seen().fault, "");
}

// The process is known before the kubelet tells of its container.
TEST_F(PodProxyTest, WhatIsSaidOfTheContainerBeforeIsNotSaidOfIt) {
    make(false, pod_.container_id);
    EXPECT_FALSE(seen().ready);
    proxy_->exchange();
    test::settle(io_);
    EXPECT_EQ(served_.asked, 0);
    pod_.running = false;
    proxy_->see(pod_);
    EXPECT_EQ(seen().phase, ProxyPhase::Starting);
    pod_.container_id = "containerd://2";
    pod_.running = true;
    proxy_->see(pod_);
    EXPECT_EQ(seen().phase, ProxyPhase::Starting);
    report();
    EXPECT_EQ(seen().phase, ProxyPhase::Running);
    EXPECT_EQ(proxy_->container(), "containerd://2");
}

TEST_F(PodProxyTest, WhyItDoesNotStartIsItsFault) {
    pod_.running = false;
    pod_.fault = "ImagePullBackOff: no such image";
    make();
    EXPECT_EQ(seen().fault, pod_.fault);
    EXPECT_EQ(seen().phase, ProxyPhase::Starting);
}

}  // namespace
}  // namespace penstock::kube
