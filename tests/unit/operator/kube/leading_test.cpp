#include "operator/kube/leading.hpp"

#include "crds/api/manifest.hpp"
#include "tests/support/cluster_keys.hpp"
#include "tests/support/sample_workload.hpp"
#include "tests/support/scripted_api.hpp"

#include <optional>

#include <gmock/gmock.h>

namespace penstock::kube {
namespace {

using namespace std::chrono_literals;
using test::run_until;
using ::testing::AllOf;
using ::testing::HasSubstr;

namespace kinds = runtime::resources;

class LeadingTest : public ::testing::Test {
 protected:
    LeadingTest() {
        test::publish_keys(api_, maker_);
        api::Document pool = api::encode_manifest(test::sample_pool());
        pool["metadata"]["generation"] = 1;
        pool["metadata"]["creationTimestamp"] = "2024-05-01T12:00:00Z";
        api_.put(kinds::connection_pools, pool);
    }
    bool has_objects() { return !api_.get(kinds::config_maps, "shop", "orders-proxy").is_null(); }

    boost::asio::io_context io_;
    test::ScriptedApi api_{io_};
    const test::TokenMaker maker_{"ES256", "one"};
    bool is_leader_ = true;
    int asked_ = 0;
    std::optional<Leading> leading_{
        std::in_place,
        io_,
        api_,
        KubeEngine::Settings{{}, {"proxy:1", ""}, {"ops"}, "penstock-operator-x2"},
        77U,
        50ms,
        [this] {
            ++asked_;
            return is_leader_;
        }};
};

TEST_F(LeadingTest, DecidesOnceAllIsListed) {
    api_.hold();
    leading_->begin();
    test::settle(io_);
    EXPECT_FALSE(leading_->ready());
    EXPECT_EQ(leading_->fault(), "not everything has been listed yet");
    api_.release();
    ASSERT_TRUE(run_until(io_, [&] { return leading_->ready(); })) << leading_->fault();
    EXPECT_EQ(leading_->fault(), "");
    EXPECT_TRUE(run_until(io_, [&] { return has_objects(); }));
    EXPECT_TRUE(run_until(io_, [&] {
        const api::Document pool = api_.get(kinds::connection_pools, "shop", "orders");
        return !objects::list_at(pool, "/status/conditions").empty();
    })) << "what becomes of the pool is told";
}

TEST_F(LeadingTest, DecidesNothingWithoutTheLease) {
    is_leader_ = false;
    leading_->begin();
    ASSERT_TRUE(run_until(io_, [&] { return asked_ >= 3; }));
    EXPECT_FALSE(leading_->ready());
    EXPECT_FALSE(has_objects());
    is_leader_ = true;
    EXPECT_TRUE(run_until(io_, [&] { return has_objects(); }));
}

TEST_F(LeadingTest, TellsWhatItDoesInMetrics) {
    leading_->begin();
    ASSERT_TRUE(run_until(io_, [&] { return has_objects(); }));
    metrics::Families families;
    leading_->add_metrics(families);
    EXPECT_THAT(
        families.text(),
        AllOf(
            HasSubstr("penstock_epoch 77\n"),
            HasSubstr("controller_runtime_reconcile_total"),
            HasSubstr("workqueue_adds_total"),
            HasSubstr("penstock_watch_lists_total{kind=\"ConnectionPool\"} 1\n")
        )
    );
}

TEST_F(LeadingTest, NothingOfItIsLeftWhenItEnds) {
    leading_->begin();
    ASSERT_TRUE(run_until(io_, [&] { return leading_->ready(); }));
    api_.hold();
    ASSERT_TRUE(run_until(io_, [&] { return asked_ > 2; }));
    leading_.reset();
    api_.release();
    test::settle(io_);
    EXPECT_EQ(api_.streams(), 0U);
}

}  // namespace
}  // namespace penstock::kube
