#include "operator/kube/cache.hpp"

#include "crds/api/names.hpp"
#include "tests/support/scripted_api.hpp"

#include <gmock/gmock.h>

namespace penstock::kube {
namespace {

using test::FakeApiServer;
using test::settle;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::SizeIs;

namespace kinds = runtime::resources;

api::Document service(const std::string& name_space, const std::string& name, bool is_ours = true) {
    api::Document made{{"metadata", {{"name", name}, {"namespace", name_space}}}};
    if (is_ours)
        made["metadata"]["labels"][std::string(api::labels::managed_by)] =
            std::string(api::operator_name);
    return made;
}

class CacheTest : public ::testing::Test {
 protected:
    boost::asio::io_context io_;
    test::ScriptedApi api_{io_};
    int news_ = 0;
};

TEST_F(CacheTest, IsSyncedWhenEveryKindHasBeenListed) {
    api_.answer_with(
        runtime::Method::Get, "/api/v1/pods", FakeApiServer::refusal(403, "Forbidden", "no right")
    );
    Cache cache(io_, api_, {}, [this] { ++news_; });
    cache.begin();
    settle(io_);
    EXPECT_FALSE(cache.synced());
    EXPECT_THAT(cache.fault(), AllOf(HasSubstr("pods"), HasSubstr("no right")));
    api_.answer_as_usual(runtime::Method::Get, "/api/v1/pods");
    ASSERT_TRUE(test::run_until(io_, [&] { return cache.synced(); }));
    EXPECT_EQ(cache.fault(), "");
    EXPECT_GT(news_, 0);
}

TEST_F(CacheTest, ShowsOfOthersKindsOnlyWhatIsOurs) {
    api_.put(kinds::services, service("shop", "ours"));
    api_.put(kinds::services, service("shop", "theirs", false));
    api_.put(kinds::connection_pools, service("shop", "orders", false));
    Cache cache(io_, api_, {}, [] {});
    cache.begin();
    settle(io_);
    EXPECT_TRUE(cache.find(kinds::services, "shop/ours"));
    EXPECT_FALSE(cache.find(kinds::services, "shop/theirs"));
    EXPECT_FALSE(cache.find(kinds::deployments, "shop/ours"));
    EXPECT_TRUE(cache.find(kinds::connection_pools, "shop/orders"));
    EXPECT_EQ(cache.size(kinds::services), 1U);
    EXPECT_EQ(cache.size(kinds::pods), 0U);
}

TEST_F(CacheTest, WatchesTheNamespacesThatItIsGivenAndNoOther) {
    api_.put(kinds::services, service("a", "x"));
    api_.put(kinds::services, service("b", "x"));
    api_.put(kinds::services, service("c", "x"));
    Cache cache(io_, api_, {"a", "b"}, [] {});
    cache.begin();
    settle(io_);
    EXPECT_TRUE(cache.synced());
    EXPECT_TRUE(cache.find(kinds::services, "a/x"));
    EXPECT_TRUE(cache.find(kinds::services, "b/x"));
    EXPECT_FALSE(cache.find(kinds::services, "c/x"));
    EXPECT_EQ(cache.size(kinds::services), 2U);
    EXPECT_THAT(api_.requests, SizeIs(16));
    int watches = 0;
    cache.for_each_watch([&](const runtime::Watch&) { ++watches; });
    EXPECT_EQ(watches, 16);
}

TEST_F(CacheTest, OurOwnWriteIsSeenBeforeTheWatchTellsIt) {
    Cache cache(io_, api_, {"a", "b"}, [] {});
    cache.begin();
    settle(io_);
    api::Document written = service("b", "x");
    written["metadata"]["resourceVersion"] = "77";
    cache.put(kinds::services, written);
    EXPECT_TRUE(cache.find(kinds::services, "b/x"));
    cache.put(kinds::services, "no object");
    cache.put(kinds::services, service("elsewhere", "x"));
    EXPECT_EQ(cache.size(kinds::services), 1U);
}

}  // namespace
}  // namespace penstock::kube
