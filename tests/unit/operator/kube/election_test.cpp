#include "operator/kube/election.hpp"

#include "tests/support/scripted_api.hpp"

#include <optional>

#include <gmock/gmock.h>

namespace penstock::kube {
namespace {

using namespace std::chrono_literals;
using test::FakeApiServer;
using test::run_until;
using test::settle;
using ::testing::HasSubstr;

const runtime::Resource& leases = runtime::resources::leases;
constexpr const char* path = "/apis/coordination.k8s.io/v1/namespaces/ops/leases/penstock-operator";

class ElectionTest : public ::testing::Test {
 protected:
    ElectionTest() {
        runtime::LeaseSettings settings;
        settings.name_space = "ops";
        settings.identity = "one";
        settings.duration = 2s;
        settings.renew_deadline = 600ms;
        settings.retry = 50ms;
        election_.emplace(io_, api_, settings, [this] { ++changes_; });
    }
    void lead() {
        election_->begin();
        ASSERT_TRUE(run_until(io_, [&] { return election_->is_leader(); }));
    }
    void give_to_another() {
        api::Document lease = api_.get(leases, "ops", "penstock-operator");
        lease["metadata"]["name"] = "penstock-operator";
        lease["metadata"]["namespace"] = "ops";
        lease["spec"]["holderIdentity"] = "another";
        lease["spec"]["leaseDurationSeconds"] = 15;
        lease["spec"]["leaseTransitions"] = 7;
        lease["spec"]["renewTime"] = "2024-05-01T12:00:00.000000Z";
        api_.put(leases, lease);
    }
    std::string holder() {
        return api_.get(leases, "ops", "penstock-operator")["spec"]["holderIdentity"];
    }

    boost::asio::io_context io_;
    test::ScriptedApi api_{io_};
    int changes_ = 0;
    std::optional<Election> election_;
};

TEST_F(ElectionTest, TakesTheLeaseThatNobodyHas) {
    lead();
    EXPECT_EQ(changes_, 1);
    EXPECT_EQ(holder(), "one");
    EXPECT_TRUE(election_->knows_holder());
    EXPECT_GT(election_->elector().epoch(), 0);
}

TEST_F(ElectionTest, WaitsForAnotherThatHoldsIt) {
    give_to_another();
    election_->begin();
    EXPECT_FALSE(election_->knows_holder());
    ASSERT_TRUE(run_until(io_, [&] { return api_.requests.size() > 3; }));
    EXPECT_TRUE(election_->knows_holder());
    EXPECT_FALSE(election_->is_leader());
    EXPECT_EQ(changes_, 0);
    EXPECT_EQ(holder(), "another");
}

TEST_F(ElectionTest, TellsThatAnotherHasTakenIt) {
    lead();
    give_to_another();
    ASSERT_TRUE(run_until(io_, [&] { return changes_ == 2; }));
    EXPECT_FALSE(election_->is_leader());
    EXPECT_EQ(holder(), "another");
}

// Though no answer tells it: before anybody else may begin.
TEST_F(ElectionTest, LeadsNoLongerThanItsLastRenewalIsGood) {
    lead();
    api_.hold();
    ASSERT_TRUE(run_until(io_, [&] { return changes_ == 2; }));
    EXPECT_FALSE(election_->is_leader());
}

TEST_F(ElectionTest, AServerThatRefusesIsNamed) {
    api_.answer_with(runtime::Method::Get, path, FakeApiServer::refusal(403, "Forbidden", "no"));
    election_->begin();
    settle(io_);
    EXPECT_THAT(election_->elector().fault(), HasSubstr("403 Forbidden: no"));
    EXPECT_FALSE(election_->knows_holder());
}

TEST_F(ElectionTest, GivesTheLeaseBack) {
    lead();
    election_->stop();
    EXPECT_FALSE(election_->is_leader());
    EXPECT_FALSE(election_->is_over());
    ASSERT_TRUE(run_until(io_, [&] { return election_->is_over(); }));
    EXPECT_EQ(holder(), "");
    EXPECT_EQ(changes_, 3) << "no leader any more, then over";
}

TEST_F(ElectionTest, AnAnswerAfterItsEndFindsNobody) {
    api_.hold();
    election_->begin();
    election_.reset();
    api_.release();
    settle(io_);
    EXPECT_EQ(changes_, 0);
    EXPECT_EQ(api_.requests.size(), 1U);
}

}  // namespace
}  // namespace penstock::kube
