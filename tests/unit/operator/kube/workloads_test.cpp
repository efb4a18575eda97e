#include "operator/kube/workloads.hpp"

#include "tests/unit/operator/kube/workloads_fixture.hpp"

namespace penstock::kube {
namespace {

using namespace std::chrono_literals;
using runtime::Method;
using test::FakeApiServer;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

constexpr const char* service_path = "/api/v1/namespaces/shop/services/orders";
const std::vector<std::string> paths{
    "/api/v1/namespaces/shop/serviceaccounts/orders-proxy",
    "/api/v1/namespaces/shop/configmaps/orders-proxy",
    service_path,
    "/api/v1/namespaces/shop/services/orders-proxies",
    "/apis/policy/v1/namespaces/shop/poddisruptionbudgets/orders",
    "/apis/apps/v1/namespaces/shop/deployments/orders"};

std::vector<std::string> lines(const std::string& method) {
    std::vector<std::string> lines;
    for (const std::string& path : paths) lines.push_back(method + " " + path);
    return lines;
}

TEST_F(WorkloadsTest, LooksForEachNameThenMakesAllSixInOrder) {
    EXPECT_THAT(round(), ElementsAreArray(lines("GET")));
    EXPECT_THAT(round(), ElementsAreArray(lines("PATCH")));
    EXPECT_THAT(round(), IsEmpty());
    EXPECT_THAT(round(), IsEmpty());
    EXPECT_EQ(replicas(), 2);
    EXPECT_EQ(fault(), "");
    EXPECT_EQ(conflict(), "");
    EXPECT_THAT(events_, IsEmpty());
    const api::Document map = api_.get(kinds::config_maps, "shop", "orders-proxy");
    EXPECT_EQ(map["data"]["operator-ca.crt"], "-----CA-----");
    EXPECT_EQ(map["metadata"]["ownerReferences"][0]["uid"], "pool-uid");
}

TEST_F(WorkloadsTest, MakesNothingBeforeTheKeysAreKnown) {
    workloads_.apply(workload_, "", now_);
    test::settle(io_);
    EXPECT_THAT(api_.take_lines(), IsEmpty());
    EXPECT_EQ(fault(), "the operator's own keys are not known yet");
    bring_in_force();
    EXPECT_EQ(fault(), "");
}

TEST_F(WorkloadsTest, AnObjectOfSomebodyElseIsLeftAlone) {
    const api::Document theirs = api_.put(
        kinds::services,
        {{"metadata", {{"name", "orders"}, {"namespace", "shop"}}}, {"spec", {{"port", 80}}}}
    );
    round();
    EXPECT_THAT(round(), AllOf(SizeIs(5), Not(Contains("PATCH " + std::string(service_path)))));
    round();
    EXPECT_EQ(
        conflict(),
        "Service shop/orders exists and belongs to nobody: rename the pool or remove that object"
    );
    EXPECT_EQ(api_.get(kinds::services, "shop", "orders"), theirs);
    // It is looked at again, and taken when it is free.
    api_.remove(kinds::services, "shop", "orders");
    EXPECT_THAT(round(6s), ElementsAre("GET " + std::string(service_path)));
    EXPECT_THAT(round(), ElementsAre("PATCH " + std::string(service_path)));
    round();
    EXPECT_EQ(conflict(), "");
}

TEST_F(WorkloadsTest, NeitherIsOneThatHasOurLabels) {
    api::Document theirs = objects::service(workload_);
    theirs["metadata"]["ownerReferences"][0]["kind"] = "Gateway";
    theirs["metadata"]["ownerReferences"][0]["name"] = "front";
    theirs["metadata"]["ownerReferences"][0]["uid"] = "other";
    api_.put(kinds::services, theirs);
    test::settle(io_);
    round();
    round();
    EXPECT_THAT(conflict(), HasSubstr("Service shop/orders belongs to Gateway front: rename"));
    EXPECT_THAT(api_.get(kinds::services, "shop", "orders").dump(), HasSubstr("\"other\""));
}

TEST_F(WorkloadsTest, WhatAnEarlierPoolOfTheNameHadIsWaitedFor) {
    bring_in_force();
    workload_.owner_uid = "pool-uid-2";
    EXPECT_THAT(round(), IsEmpty());
    EXPECT_THAT(fault(), HasSubstr("is that of an earlier pool and is being deleted"));
    EXPECT_EQ(conflict(), "");
    for (const auto& [kind, name] :
         {std::pair{kinds::service_accounts, "orders-proxy"},
          std::pair{kinds::config_maps, "orders-proxy"},
          std::pair{kinds::services, "orders"},
          std::pair{kinds::services, "orders-proxies"},
          std::pair{kinds::disruption_budgets, "orders"},
          std::pair{kinds::deployments, "orders"}})
        api_.remove(kind, "shop", name);
    test::settle(io_);
    bring_in_force();
    EXPECT_EQ(fault(), "");
    EXPECT_THAT(api_.get(kinds::services, "shop", "orders").dump(), HasSubstr("\"pool-uid-2\""));
}

// Its labels are gone, so that the cache does not show it.
TEST_F(WorkloadsTest, OneOfOursWithoutOurLabelsIsTakenBack) {
    api::Document ours = objects::service(workload_);
    ours["metadata"].erase("labels");
    api_.put(kinds::services, ours);
    bring_in_force();
    EXPECT_EQ(conflict(), "");
    EXPECT_TRUE(api_.get(kinds::services, "shop", "orders")["metadata"].contains("labels"));
}

TEST_F(WorkloadsTest, WhatSomebodyEditsIsPutBackAndTold) {
    bring_in_force();
    api::Document edited = api_.get(kinds::services, "shop", "orders");
    edited["spec"]["ports"][0]["port"] = 80;
    api_.put(kinds::services, edited);
    test::settle(io_);
    EXPECT_THAT(round(), ElementsAre("PATCH " + std::string(service_path)));
    EXPECT_THAT(round(), IsEmpty());
    EXPECT_EQ(api_.get(kinds::services, "shop", "orders")["spec"]["ports"][0]["port"], 6432);
    ASSERT_THAT(events_, SizeIs(1));
    EXPECT_EQ(events_[0].reason, "DriftRepaired");
    EXPECT_EQ(events_[0].key, "shop/orders");
    EXPECT_EQ(events_[0].type, domain::EventType::Warning);
    EXPECT_THAT(
        events_[0].note,
        AllOf(HasSubstr("Service orders was changed"), HasSubstr("spec.ports[0].port"))
    );
}

TEST_F(WorkloadsTest, WhatOthersAddIsLeft) {
    bring_in_force();
    api::Document edited = api_.get(kinds::services, "shop", "orders");
    edited["metadata"]["annotations"]["team"] = "a";
    api_.put(kinds::services, edited);
    test::settle(io_);
    EXPECT_THAT(round(), IsEmpty());
    EXPECT_THAT(events_, IsEmpty());
}

TEST_F(WorkloadsTest, WhatSomebodyDeletesIsMadeAgain) {
    bring_in_force();
    api_.remove(kinds::services, "shop", "orders");
    test::settle(io_);
    EXPECT_THAT(round(), ElementsAre("GET " + std::string(service_path)));
    EXPECT_THAT(round(), ElementsAre("PATCH " + std::string(service_path)));
    EXPECT_THAT(events_, IsEmpty());
}

TEST_F(WorkloadsTest, OurOwnChangeIsNoDrift) {
    bring_in_force();
    workload_.config.generation = 4;
    workload_.config.listen.port = 6433;
    EXPECT_THAT(round(), SizeIs(4)) << "ConfigMap, two Services, Deployment";
    EXPECT_THAT(round(), IsEmpty());
    EXPECT_THAT(events_, IsEmpty());
}

// The API server writes a number as it likes.
TEST_F(WorkloadsTest, WhatTheServerWritesAnotherWayIsAppliedOnce) {
    round();
    api::Document other_way = objects::service(workload_);
    other_way["spec"]["ports"][0]["port"] = "6432";
    other_way["metadata"]["resourceVersion"] = "1000";
    api_.answer_with(Method::Patch, service_path, {200, "", {}, api::to_json_text(other_way)});
    round();
    EXPECT_THAT(round(), IsEmpty());
    EXPECT_THAT(round(), IsEmpty());
    EXPECT_EQ(fault(), "");
    EXPECT_THAT(events_, IsEmpty());
}

TEST_F(WorkloadsTest, OnlySoManyPodsAsTheReserveCarries) {
    workload_.replicas = 5;
    workload_.starts_allowed = 1;
    bring_in_force();
    EXPECT_EQ(replicas(), 1);
    fleet_.see({test::running_pod("orders-1")});
    round();
    EXPECT_EQ(replicas(), 2);
    workload_.starts_allowed = 0;
    round();
    EXPECT_EQ(replicas(), 2) << "what is there stays";
    workload_.starts_allowed = 9;
    round();
    EXPECT_EQ(replicas(), 5);
    workload_.replicas = 1;
    workload_.starts_allowed = 0;
    round();
    EXPECT_EQ(replicas(), 1) << "fewer is always allowed";
}

TEST_F(WorkloadsTest, AWriteThatIsRefusedIsTheFaultUntilItSucceeds) {
    round();
    api_.answer_with(
        Method::Patch, service_path, FakeApiServer::refusal(422, "Invalid", "port is taken")
    );
    round();
    round();
    EXPECT_THAT(fault(), AllOf(HasSubstr("Service shop/orders: 422"), HasSubstr("port is taken")));
    EXPECT_THAT(round(), IsEmpty()) << "the same again helps nobody";
    // Somebody makes it for us.
    api_.put(kinds::services, objects::service(workload_));
    test::settle(io_);
    round();
    EXPECT_EQ(fault(), "");
    EXPECT_TRUE(outbox_.writer().is_idle());
}

TEST_F(WorkloadsTest, ANameThatCannotBeLookedAtIsAskedForAgain) {
    api_.answer_with(
        Method::Get, service_path, FakeApiServer::refusal(500, "InternalError", "etcd is away"), 1
    );
    round();
    ASSERT_TRUE(test::run_until(io_, [&] { return outbox_.writer().is_idle(); }));
    api_.take_lines();
    EXPECT_THAT(round(), ElementsAreArray(lines("PATCH")));
}

TEST_F(WorkloadsTest, PodsThatCannotBeMadeAreTheFault) {
    bring_in_force();
    api::Document deployment = api_.get(kinds::deployments, "shop", "orders");
    deployment["status"]["conditions"] = api::Document::array(
        {{{"type", "ReplicaFailure"}, {"status", "True"}, {"message", "exceeded quota"}}}
    );
    api_.put(kinds::deployments, deployment);
    test::settle(io_);
    round();
    EXPECT_EQ(fault(), "Pods cannot be made: exceeded quota");
}

TEST_F(WorkloadsTest, OfAPoolThatIsGoneNothingIsLeft) {
    round();
    api_.answer_with(
        Method::Patch, service_path, FakeApiServer::refusal(422, "Invalid", "port is taken")
    );
    round();
    round();
    EXPECT_NE(fault(), "");
    workloads_.remove("shop/orders");
    EXPECT_EQ(fault(), "");
    EXPECT_TRUE(outbox_.writer().is_idle());
    workloads_.remove("shop/orders");
}

}  // namespace
}  // namespace penstock::kube
