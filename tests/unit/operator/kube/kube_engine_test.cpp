#include "operator/kube/kube_engine.hpp"

#include "crds/api/manifest.hpp"
#include "operator/reconcile/engine.hpp"
#include "tests/support/cluster_keys.hpp"
#include "tests/support/reporting_proxy.hpp"
#include "tests/support/sample_workload.hpp"
#include "tests/support/scripted_api.hpp"

#include <gmock/gmock.h>

namespace penstock::kube {
namespace {

using runtime::Method;
using test::FakeApiServer;
using test::run_until;
using test::settle;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

namespace kinds = runtime::resources;

api::Document pod_document(const std::string& container) {
    return api::Document::parse(
        R"({
        "metadata": {
            "name": "orders-1", "namespace": "shop",
            "labels": {
                "app.kubernetes.io/managed-by": "penstock-operator",
                "penstock.dev/pool": "orders"}},
        "status": {
            "phase": "Running", "podIP": "127.0.0.1",
            "containerStatuses": [
                {"name": "proxy", "containerID": ")" +
        container + R"(",
                 "state": {"running": {}}}],
            "conditions": [{"type": "Ready", "status": "True"}]}})"
    );
}

class KubeEngineTest : public ::testing::Test {
 protected:
    KubeEngineTest() { test::publish_keys(api_, maker_); }
    void be_ready() {
        engine_.begin();
        ASSERT_TRUE(run_until(io_, [&] { return engine_.ready(); })) << engine_.fault();
    }

    boost::asio::io_context io_;
    test::ScriptedApi api_{io_};
    const test::TokenMaker maker_{"ES256", "one"};
    int news_ = 0;
    KubeEngine engine_{
        io_, api_, {{}, {"proxy:1", ""}, {"ops"}, "penstock-operator-x2"}, [this] { ++news_; }};
};

TEST_F(KubeEngineTest, IsReadyWhenAllIsListedAndTheKeysAreKnown) {
    api_.hold();
    engine_.begin();
    EXPECT_FALSE(engine_.ready());
    EXPECT_EQ(engine_.fault(), "not everything has been listed yet");
    api_.release();
    ASSERT_TRUE(run_until(io_, [&] { return engine_.ready(); })) << engine_.fault();
    EXPECT_EQ(engine_.fault(), "");
    EXPECT_GT(news_, 0);
}

TEST_F(KubeEngineTest, WhatIsNotHeardIsTheFault) {
    api_.answer_with(
        Method::Get, "/api/v1/pods", FakeApiServer::refusal(403, "Forbidden", "no right")
    );
    engine_.begin();
    settle(io_);
    EXPECT_FALSE(engine_.ready());
    EXPECT_THAT(engine_.fault(), HasSubstr("pods: cannot watch pods: 403 Forbidden: no right"));
}

TEST_F(KubeEngineTest, KeysThatCannotBeReadAreTheFault) {
    api_.answer_with(
        Method::Get,
        "/api/v1/namespaces/ops/secrets/penstock-operator-keys",
        FakeApiServer::refusal(403, "Forbidden", "no right")
    );
    engine_.begin();
    settle(io_);
    EXPECT_FALSE(engine_.ready());
    EXPECT_THAT(engine_.fault(), HasSubstr("Secret penstock-operator-keys: 403"));
}

TEST_F(KubeEngineTest, ObservesPoolsAndTheirPods) {
    api_.put(kinds::connection_pools, api::encode_manifest(test::sample_pool()));
    api_.put(kinds::pods, pod_document("containerd://1"));
    be_ready();
    const domain::Observed observed = engine_.observe();
    ASSERT_THAT(observed.pools, SizeIs(1));
    ASSERT_THAT(observed.proxies, SizeIs(1));
    EXPECT_EQ(observed.proxies[0].pool, "shop/orders");
    EXPECT_TRUE(observed.proxies[0].inherited);
    EXPECT_TRUE(observed.proxies[0].ready);
    EXPECT_TRUE(observed.replaced_untold);

    api_.remove(kinds::pods, "shop", "orders-1");
    settle(io_);
    EXPECT_THAT(engine_.observe().proxies, IsEmpty());
    api_.put(kinds::pods, pod_document("containerd://2"));
    settle(io_);
    ASSERT_THAT(engine_.observe().proxies, SizeIs(1));
    EXPECT_FALSE(engine_.observe().proxies[0].inherited);
}

TEST_F(KubeEngineTest, CarriesOutWhatIsPlanned) {
    const api::Document pool =
        api_.put(kinds::connection_pools, api::encode_manifest(test::sample_pool()));
    be_ready();
    domain::Workload workload = test::sample_workload();
    workload.owner_uid = objects::text_at(pool, "/metadata/uid");
    engine_.apply(workload);
    settle(io_);
    engine_.apply(workload);
    domain::PoolStatusWrite status{"shop/orders", {}};
    status.status.replicas = 2;
    engine_.write(status);
    engine_.record({domain::Kind::ConnectionPool, "shop/orders", {}, "Resize", "PoolResized", ""});
    engine_.push({"nobody", {}});
    engine_.forget("nobody");
    settle(io_);
    EXPECT_FALSE(api_.get(kinds::deployments, "shop", "orders").is_null());
    EXPECT_EQ(api_.get(kinds::connection_pools, "shop", "orders")["status"]["replicas"], 2);
    EXPECT_EQ(api_.size(kinds::events), 1U);
    const api::Document map = api_.get(kinds::config_maps, "shop", "orders-proxy");
    EXPECT_THAT(map["data"]["operator-ca.crt"], HasSubstr("BEGIN CERTIFICATE"));
    EXPECT_TRUE(engine_.outbox().writer().is_idle());
    engine_.remove("shop/orders");
    EXPECT_THAT(engine_.observe().workload_faults, IsEmpty());
}

}  // namespace
}  // namespace penstock::kube
