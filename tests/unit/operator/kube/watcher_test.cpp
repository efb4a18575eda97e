#include "operator/kube/watcher.hpp"

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

const runtime::Resource& services = runtime::resources::services;
constexpr const char* services_path = "/api/v1/services";

api::Document service(const std::string& name, int port = 1) {
    return {{"metadata", {{"name", name}, {"namespace", "shop"}}}, {"spec", {{"port", port}}}};
}

class WatcherTest : public ::testing::Test {
 protected:
    WatcherTest() {
        runtime::WatchSettings settings;
        settings.resource = services;
        watcher_.emplace(io_, api_, settings, [this] { ++news_; });
    }
    bool shows(const std::string& key) const {
        return watcher_->watch().store().find(key) != nullptr;
    }

    boost::asio::io_context io_;
    test::ScriptedApi api_{io_};
    int news_ = 0;
    std::optional<Watcher> watcher_;
};

TEST_F(WatcherTest, ListsThenHearsWhatChanges) {
    api_.put(services, service("a"));
    watcher_->begin();
    EXPECT_FALSE(watcher_->watch().synced());
    settle(io_);
    EXPECT_TRUE(watcher_->watch().synced());
    EXPECT_TRUE(shows("shop/a"));
    EXPECT_EQ(news_, 1);
    api_.put(services, service("b"));
    settle(io_);
    EXPECT_TRUE(shows("shop/b"));
    EXPECT_EQ(news_, 2);
    api_.remove(services, "shop", "a");
    settle(io_);
    EXPECT_FALSE(shows("shop/a"));
    EXPECT_EQ(news_, 3);
    EXPECT_THAT(api_.take_lines(), ElementsAre("GET " + std::string(services_path)));
}

TEST_F(WatcherTest, ABookmarkIsNoNews) {
    api_.put(services, service("a"));
    watcher_->begin();
    settle(io_);
    api_.put(runtime::resources::pods, service("a"));
    api_.send_bookmarks();
    settle(io_);
    EXPECT_EQ(news_, 1);
    EXPECT_EQ(watcher_->watch().counters().bookmarks, 1U);
}

TEST_F(WatcherTest, AListThatFailsIsNamedAndTriedAgain) {
    api_.answer_with(
        runtime::Method::Get,
        services_path,
        FakeApiServer::refusal(403, "Forbidden", "no such right"),
        1
    );
    watcher_->begin();
    settle(io_);
    EXPECT_THAT(watcher_->watch().fault(), HasSubstr("no such right"));
    EXPECT_EQ(news_, 0);
    ASSERT_TRUE(run_until(io_, [&] { return watcher_->watch().synced(); }));
    EXPECT_EQ(watcher_->watch().fault(), "");
}

TEST_F(WatcherTest, AStreamThatBreaksGoesOnFromWhereItWas) {
    watcher_->begin();
    settle(io_);
    api_.end_streams({0, "connection reset", {}, ""});
    settle(io_);
    EXPECT_THAT(watcher_->watch().fault(), HasSubstr("connection reset"));
    api_.put(services, service("late"));
    ASSERT_TRUE(run_until(io_, [&] { return shows("shop/late"); }));
    EXPECT_EQ(api_.requests.size(), 1U) << "the list is not needed again";
    EXPECT_EQ(api_.streams_asked.size(), 2U);
}

TEST_F(WatcherTest, AVersionThatIsGoneIsListedAnew) {
    watcher_->begin();
    settle(io_);
    api_.end_streams(FakeApiServer::refusal(410, "Expired"));
    ASSERT_TRUE(run_until(io_, [&] { return api_.requests.size() == 2 && api_.streams() == 1; }));
    EXPECT_TRUE(watcher_->watch().synced());
    EXPECT_EQ(watcher_->watch().counters().relists.at("Gone"), 1U);
}

TEST_F(WatcherTest, WhatComesAfterItsEndFindsNobody) {
    api_.hold();
    watcher_->begin();
    watcher_.reset();
    api_.release();
    settle(io_);
    EXPECT_EQ(news_, 0);
    EXPECT_EQ(api_.streams(), 0U);
}

TEST_F(WatcherTest, ItsEndGivesUpTheStream) {
    watcher_->begin();
    settle(io_);
    EXPECT_EQ(api_.streams(), 1U);
    watcher_.reset();
    EXPECT_EQ(api_.streams(), 0U);
}

}  // namespace
}  // namespace penstock::kube
