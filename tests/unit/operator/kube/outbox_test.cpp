#include "operator/kube/outbox.hpp"

#include "tests/support/scripted_api.hpp"

#include <optional>

#include <gmock/gmock.h>

namespace penstock::kube {
namespace {

using test::FakeApiServer;
using test::run_until;
using test::settle;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr const char* path = "/api/v1/namespaces/shop/services/orders";

runtime::Request apply(int port) {
    runtime::Request request;
    request.method = runtime::Method::Patch;
    request.path = path;
    request.content_type = "application/apply-patch+yaml";
    request.body = R"({"spec":{"port":)" + std::to_string(port) + "}}";
    return request;
}

class OutboxTest : public ::testing::Test {
 protected:
    void want(int port) {
        outbox_->want("orders", {apply(port)}, [this, port](const runtime::Response& response) {
            heard_.push_back(std::to_string(port) + ": " + std::to_string(response.status));
        });
    }

    boost::asio::io_context io_;
    test::ScriptedApi api_{io_};
    int news_ = 0;
    std::vector<std::string> heard_;
    std::optional<Outbox> outbox_{std::in_place, io_, api_, [this] { ++news_; }};
};

TEST_F(OutboxTest, SendsAtOnceAndTellsTheAnswer) {
    want(1);
    EXPECT_FALSE(outbox_->is_settled("orders"));
    settle(io_);
    EXPECT_THAT(heard_, ElementsAre("1: 201"));
    EXPECT_TRUE(outbox_->is_settled("orders"));
    EXPECT_EQ(news_, 1);
}

TEST_F(OutboxTest, WhatPassesIsTriedAgain) {
    const auto refusal = FakeApiServer::refusal(500, "InternalError", "etcd is away");
    api_.answer_with(runtime::Method::Patch, path, refusal, 1);
    want(1);
    settle(io_);
    EXPECT_THAT(outbox_->fault("orders"), HasSubstr("etcd is away"));
    ASSERT_TRUE(run_until(io_, [&] { return outbox_->is_settled("orders"); }));
    EXPECT_THAT(heard_, ElementsAre("1: 500", "1: 201"));
    EXPECT_EQ(outbox_->fault("orders"), "");
}

TEST_F(OutboxTest, WhatIsRefusedForGoodWaitsForAnotherWish) {
    api_.answer_with(
        runtime::Method::Patch, path, FakeApiServer::refusal(422, "Invalid", "bad port"), 1
    );
    want(1);
    settle(io_);
    want(1);
    settle(io_);
    EXPECT_EQ(api_.requests.size(), 1U);
    EXPECT_THAT(outbox_->fault("orders"), HasSubstr("bad port"));
    want(2);
    settle(io_);
    EXPECT_EQ(outbox_->fault("orders"), "");
    EXPECT_THAT(heard_, ElementsAre("1: 422", "2: 201"));
}

TEST_F(OutboxTest, TheAnswerToAnEarlierWishIsNotThatToTheNewOne) {
    api_.hold();
    want(1);
    want(2);
    api_.release();
    settle(io_);
    EXPECT_EQ(api_.requests.size(), 2U);
    EXPECT_THAT(heard_, ElementsAre("2: 200"));
}

TEST_F(OutboxTest, TheSameWishAgainHearsTheAnswerThatIsUnderWay) {
    api_.hold();
    want(1);
    want(1);
    api_.release();
    settle(io_);
    EXPECT_EQ(api_.requests.size(), 1U);
    EXPECT_THAT(heard_, ElementsAre("1: 201"));
}

TEST_F(OutboxTest, WhatIsForgottenIsHeardOfNoMore) {
    api_.hold();
    want(1);
    outbox_->forget("orders");
    api_.release();
    settle(io_);
    EXPECT_THAT(heard_, IsEmpty());
    EXPECT_TRUE(outbox_->writer().is_idle());
}

TEST_F(OutboxTest, AnswersAfterItsEndFindNobody) {
    api_.hold();
    want(1);
    outbox_.reset();
    api_.release();
    settle(io_);
    EXPECT_THAT(heard_, IsEmpty());
    EXPECT_EQ(news_, 0);
}

}  // namespace
}  // namespace penstock::kube
