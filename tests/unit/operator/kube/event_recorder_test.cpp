#include "operator/kube/event_recorder.hpp"

#include "crds/api/document.hpp"
#include "operator/runtime/resource.hpp"
#include "tests/support/scripted_api.hpp"

#include <optional>

#include <gmock/gmock.h>

namespace penstock::kube {
namespace {

using test::FakeApiServer;
using test::settle;
using ::testing::ElementsAre;

constexpr const char* events_path = "/apis/events.k8s.io/v1/namespaces/shop/events";

runtime::EventNote note(const std::string& reason) {
    return {
        false,
        "Resize",
        reason,
        "from 2 to 3",
        {"penstock.dev/v1alpha1", "ConnectionPool", "shop", "orders", "uid-1"}};
}

class EventRecorderTest : public ::testing::Test {
 protected:
    boost::asio::io_context io_;
    test::ScriptedApi api_{io_};
    std::optional<EventRecorder> recorder_{std::in_place, io_, api_, "penstock-operator-x2"};
};

TEST_F(EventRecorderTest, WritesInTheNamespaceOfTheObject) {
    recorder_->record(note("PoolResized"));
    settle(io_);
    EXPECT_THAT(api_.take_lines(), ElementsAre("POST " + std::string(events_path)));
    const api::Document event = api::parse_json(api_.requests[0].body).value();
    EXPECT_EQ(event.at("reason"), "PoolResized");
    EXPECT_EQ(event.at("regarding").at("uid"), "uid-1");
    EXPECT_EQ(event.at("reportingController"), "penstock.dev/penstock-operator");
    EXPECT_EQ(event.at("reportingInstance"), "penstock-operator-x2");
    EXPECT_EQ(recorder_->counters().written, 1U);
}

TEST_F(EventRecorderTest, OneAfterTheOther) {
    api_.hold();
    recorder_->record(note("PoolResized"));
    recorder_->record(note("BudgetViolated"));
    EXPECT_EQ(api_.requests.size(), 1U);
    api_.release();
    settle(io_);
    EXPECT_EQ(api_.size(runtime::resources::events), 2U);
}

TEST_F(EventRecorderTest, OneThatIsRefusedIsDroppedAndTheNextIsWritten) {
    api_.answer_with(
        runtime::Method::Post, events_path, FakeApiServer::refusal(422, "Invalid", "no"), 1
    );
    recorder_->record(note("PoolResized"));
    recorder_->record(note("BudgetViolated"));
    settle(io_);
    EXPECT_EQ(api_.size(runtime::resources::events), 1U);
    EXPECT_EQ(recorder_->counters().dropped, 1U);
}

TEST_F(EventRecorderTest, AnAnswerAfterItsEndFindsNobody) {
    api_.hold();
    recorder_->record(note("PoolResized"));
    recorder_.reset();
    api_.release();
    settle(io_);
    EXPECT_EQ(api_.size(runtime::resources::events), 1U);
}

}  // namespace
}  // namespace penstock::kube
