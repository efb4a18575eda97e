#include "operator/kube/resources.hpp"

#include "crds/api/manifest.hpp"
#include "tests/support/fleet_builder.hpp"
#include "tests/support/sample_workload.hpp"
#include "tests/support/scripted_api.hpp"

#include <gmock/gmock.h>

namespace penstock::kube {
namespace {

using runtime::Method;
using test::FakeApiServer;
using test::settle;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

namespace kinds = runtime::resources;
constexpr const char* status_path =
    "/apis/penstock.dev/v1alpha1/namespaces/shop/connectionpools/orders/status";

class ResourcesTest : public ::testing::Test {
 protected:
    ResourcesTest() {
        api_.put(kinds::connection_pools, api::encode_manifest(test::sample_pool()));
        cache_.begin();
        settle(io_);
        api_.take_lines();
    }
    domain::Observed observe() {
        domain::Observed observed;
        resources_.observe(observed);
        return observed;
    }
    static domain::PoolStatusWrite status(std::int32_t replicas) {
        domain::PoolStatusWrite write{"shop/orders", {}};
        write.status.replicas = replicas;
        return write;
    }
    std::int32_t replicas() { return observe().pools.at(0).status.replicas; }
    std::int64_t written_replicas() {
        return objects::number_at(
            api_.get(kinds::connection_pools, "shop", "orders"), "/status/replicas"
        );
    }

    boost::asio::io_context io_;
    test::ScriptedApi api_{io_};
    Cache cache_{io_, api_, {}, [] {}};
    Outbox outbox_{io_, api_, [] {}};
    Resources resources_{io_, api_, cache_, outbox_, "penstock-operator-x2"};
};

TEST_F(ResourcesTest, DecodesWhatTheClusterShowsAndWhatChanges) {
    ASSERT_THAT(observe().pools, SizeIs(1));
    EXPECT_EQ(observe().pools[0].spec, test::sample_pool().spec);
    EXPECT_EQ(domain::key(observe().pools[0].metadata), "shop/orders");
    EXPECT_EQ(observe().pools[0].metadata.uid.substr(0, 4), "uid-");

    api::ConnectionPool pool = test::sample_pool();
    pool.spec.replicas = 7;
    api_.put(kinds::connection_pools, api::encode_manifest(pool));
    api::Backpressure policy = test::policy("calm", "orders");
    policy.metadata.name_space = "shop";
    api_.put(kinds::backpressures, api::encode_manifest(policy));
    settle(io_);
    EXPECT_EQ(observe().pools.at(0).spec.replicas, 7);
    ASSERT_THAT(observe().policies, SizeIs(1));
    EXPECT_EQ(observe().policies[0].spec.target_refs.at(0).name, "orders");

    api_.remove(kinds::connection_pools, "shop", "orders");
    settle(io_);
    EXPECT_THAT(observe().pools, IsEmpty());
}

// An API server with an older definition may let it through.
TEST_F(ResourcesTest, APoolThatCannotBeReadIsAFault) {
    api::Document pool = api::encode_manifest(test::sample_pool());
    pool["metadata"]["name"] = "broken";
    pool["spec"]["replicas"] = "many";
    api_.put(kinds::connection_pools, pool);
    settle(io_);
    for (int round = 0; round < 2; ++round) {
        const domain::Observed observed = observe();
        EXPECT_THAT(observed.pools, SizeIs(1));
        ASSERT_TRUE(observed.pool_faults.contains("shop/broken"));
        EXPECT_EQ(observed.pool_faults.at("shop/broken").at(0).path, "spec.replicas");
        EXPECT_THAT(observed.pool_faults, SizeIs(1));
    }
}

TEST_F(ResourcesTest, AStatusOnItsWayIsAsGoodAsObserved) {
    api_.hold();
    resources_.write(status(2));
    settle(io_);
    EXPECT_EQ(replicas(), 2);
    EXPECT_EQ(written_replicas(), 0) << "it has not been carried out";
    api_.release();
    settle(io_);
    EXPECT_EQ(replicas(), 2);
    EXPECT_EQ(written_replicas(), 2);
    EXPECT_THAT(api_.take_lines(), ElementsAre("PATCH " + std::string(status_path)));
}

TEST_F(ResourcesTest, ANewerStatusStandsWhenTheOlderIsAnswered) {
    api_.hold();
    resources_.write(status(2));
    resources_.write(status(3));
    EXPECT_EQ(replicas(), 3);
    api_.release();
    // Between the two answers, too.
    for (io_.restart(); io_.poll_one() > 0; io_.restart()) EXPECT_EQ(replicas(), 3);
    EXPECT_EQ(written_replicas(), 3);
}

TEST_F(ResourcesTest, AStatusThatIsRefusedIsNotShown) {
    api_.answer_with(
        Method::Patch, status_path, FakeApiServer::refusal(422, "Invalid", "no such field")
    );
    resources_.write(status(2));
    settle(io_);
    EXPECT_EQ(replicas(), 0);
}

TEST_F(ResourcesTest, TheStatusOfWhatIsGoneIsDone) {
    api_.remove(kinds::connection_pools, "shop", "orders");
    resources_.write(status(2));
    settle(io_);
    EXPECT_TRUE(outbox_.writer().is_idle());
    EXPECT_THAT(observe().pools, IsEmpty());
    EXPECT_EQ(api_.size(kinds::connection_pools), 0U);
}

TEST_F(ResourcesTest, PoliciesHaveAStatusToo) {
    api::Backpressure policy = test::policy("calm", "orders");
    policy.metadata.name_space = "shop";
    api_.put(kinds::backpressures, api::encode_manifest(policy));
    settle(io_);
    domain::PolicyStatusWrite write{"shop/calm", {}};
    write.status.observed_generation = 4;
    resources_.write(write);
    settle(io_);
    EXPECT_EQ(observe().policies.at(0).status.observed_generation, 4);
    EXPECT_EQ(api_.get(kinds::backpressures, "shop", "calm")["status"]["observedGeneration"], 4);
}

TEST_F(ResourcesTest, EventsAreAboutWhatExists) {
    domain::Event event;
    event.key = "shop/orders";
    event.type = domain::EventType::Warning;
    event.action = "Resize";
    event.reason = "BudgetViolated";
    event.note = "70 of 60";
    resources_.record(event);
    event.key = "shop/deleted";
    resources_.record(event);
    event.key = "shop/orders";
    event.kind = domain::Kind::Backpressure;
    resources_.record(event);
    settle(io_);
    EXPECT_EQ(api_.size(kinds::events), 1U);
    const api::Document written = api::parse_json(api_.requests.back().body).value();
    EXPECT_EQ(written["type"], "Warning");
    EXPECT_EQ(written["regarding"]["kind"], "ConnectionPool");
    EXPECT_EQ(
        written["regarding"]["uid"],
        api_.get(kinds::connection_pools, "shop", "orders")["metadata"]["uid"]
    );
}

}  // namespace
}  // namespace penstock::kube
