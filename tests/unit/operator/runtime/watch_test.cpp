#include "operator/runtime/watch.hpp"

#include <gmock/gmock.h>

namespace penstock::runtime {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

std::string item(const std::string& name, int version) {
    return R"({"metadata":{"namespace":"a","name":")" + name + R"(","resourceVersion":")" +
           std::to_string(version) + R"("}})";
}
std::string event(const std::string& type, const std::string& object) {
    return R"({"type":")" + type + R"(","object":)" + object + "}\n";
}
Response list(const std::string& items, int version, const std::string& more = "") {
    return {
        200,
        "",
        {},
        R"({"metadata":{"resourceVersion":")" + std::to_string(version) + R"(","continue":")" +
            more + R"("},"items":[)" + items + "]}"};
}
Response refused(int code, const std::string& reason) {
    return {
        code,
        "",
        {},
        R"({"kind":"Status","code":)" + std::to_string(code) + R"(,"reason":")" + reason + "\"}"};
}
std::string parameter(const Request& request, const std::string& name) {
    for (const auto& [key, value] : request.query)
        if (key == name) return value;
    return "-";
}

class WatchTest : public testing::Test {
 protected:
    template <class Action>
    static const Action* find(const Watch::Actions& actions) {
        for (const WatchAction& action : actions)
            if (const auto* found = std::get_if<Action>(&action)) return found;
        return nullptr;
    }
    // To a watch that is open at version 10 with x and y.
    void begin() {
        ASSERT_TRUE(find<SendList>(watch_.tick(now_)));
        ASSERT_TRUE(
            find<OpenStream>(watch_.on_list(list(item("x", 1) + "," + item("y", 2), 10), now_))
        );
    }
    // What the watch does after it has waited as long as it wanted.
    Watch::Actions after_wait(const Watch::Actions& actions) {
        const auto* wait = find<WaitUntil>(actions);
        EXPECT_NE(wait, nullptr);
        if (wait == nullptr) return {};
        EXPECT_TRUE(watch_.tick(wait->at - 1ms).empty() || wait->at <= now_);
        now_ = std::max(now_, wait->at);
        return watch_.tick(now_);
    }

    Watch::Time now_{1000s};
    Watch watch_{{resources::pods, "a", "k=v", "", 500, 7}};
};

TEST_F(WatchTest, ListsInPagesThenWatchesFromTheListsVersion) {
    const auto first = watch_.tick(now_);
    const Request& asked = find<SendList>(first)->request;
    EXPECT_EQ(asked.path, "/api/v1/namespaces/a/pods");
    EXPECT_EQ(parameter(asked, "limit"), "500");
    EXPECT_EQ(parameter(asked, "labelSelector"), "k=v");
    EXPECT_EQ(parameter(asked, "resourceVersion"), "-");

    const auto second = watch_.on_list(list(item("x", 1), 10, "token"), now_);
    EXPECT_EQ(parameter(find<SendList>(second)->request, "continue"), "token");
    EXPECT_FALSE(watch_.synced());
    EXPECT_EQ(watch_.store().size(), 0U);  // nobody sees half a list

    const auto third = watch_.on_list(list(item("y", 2), 10), now_);
    const Request& stream = find<OpenStream>(third)->request;
    EXPECT_TRUE(watch_.synced());
    EXPECT_EQ(watch_.store().size(), 2U);
    EXPECT_EQ(parameter(stream, "watch"), "true");
    EXPECT_EQ(parameter(stream, "resourceVersion"), "10");
    EXPECT_EQ(parameter(stream, "allowWatchBookmarks"), "true");
    const int timeout = std::stoi(parameter(stream, "timeoutSeconds"));
    EXPECT_GE(timeout, 300);
    EXPECT_LE(timeout, 600);
}

TEST_F(WatchTest, EventsChangeTheStoreAndBookmarksMoveTheVersion) {
    begin();
    const std::string lines = event("ADDED", item("z", 11)) + event("MODIFIED", item("x", 12)) +
                              event("DELETED", item("y", 13)) + event("NOVEL", item("q", 14)) +
                              event("BOOKMARK", R"({"metadata":{"resourceVersion":"20"}})");
    for (const char c : lines) EXPECT_TRUE(watch_.on_bytes({&c, 1}, now_).empty());
    EXPECT_TRUE(watch_.store().find("a/z"));
    EXPECT_FALSE(watch_.store().find("a/y"));
    EXPECT_FALSE(watch_.store().find("a/q"));
    EXPECT_EQ(watch_.counters().events, 3U);
    EXPECT_EQ(watch_.counters().bookmarks, 1U);

    now_ += 300s;
    const auto again = watch_.on_end({200, "", {}, ""}, now_);
    EXPECT_EQ(parameter(find<OpenStream>(again)->request, "resourceVersion"), "20");
    EXPECT_EQ(watch_.counters().lists, 1U);
    EXPECT_EQ(watch_.fault(), "");
}

TEST_F(WatchTest, CutConnectionGoesOnWithoutAList) {
    begin();
    const auto actions = watch_.on_end({0, "connection reset", {}, ""}, now_);
    EXPECT_THAT(watch_.fault(), HasSubstr("pods in namespace a: connection reset"));
    EXPECT_TRUE(find<OpenStream>(after_wait(actions)));
    EXPECT_EQ(watch_.counters().lists, 1U);
    EXPECT_TRUE(watch_.synced());
    watch_.on_bytes(event("BOOKMARK", R"({"metadata":{"resourceVersion":"20"}})"), now_);
    EXPECT_EQ(watch_.fault(), "");
}

TEST_F(WatchTest, GoneByHttpOrInTheStreamLeadsToAListThatShowsDeletions) {
    begin();
    auto actions = watch_.on_end(refused(410, "Gone"), now_);
    EXPECT_TRUE(find<SendList>(after_wait(actions)));
    watch_.on_list(list(item("x", 1), 30), now_);
    EXPECT_FALSE(watch_.store().find("a/y"));
    actions = watch_.on_bytes(event("ERROR", R"({"code":410,"reason":"Expired"})"), now_);
    EXPECT_TRUE(find<CancelStream>(actions));
    EXPECT_TRUE(find<SendList>(after_wait(actions)));
    EXPECT_EQ(watch_.counters().relists.at("Gone"), 2U);
}

TEST_F(WatchTest, TooLargeVersionLeadsToAListOfTheNewest) {
    begin();
    const Response behind{
        504,
        "",
        {},
        R"({"kind":"Status","code":504,"details":{"causes":[{"reason":"ResourceVersionTooLarge"}]}})"};
    const auto actions = after_wait(watch_.on_end(behind, now_));
    ASSERT_TRUE(find<SendList>(actions));
    EXPECT_EQ(parameter(find<SendList>(actions)->request, "resourceVersion"), "-");
}

TEST_F(WatchTest, OtherErrorsInTheStreamGoOnFromWhereItWas) {
    begin();
    const auto actions = watch_.on_bytes(event("ERROR", R"({"code":500})"), now_);
    EXPECT_TRUE(find<CancelStream>(actions));
    EXPECT_TRUE(find<OpenStream>(after_wait(actions)));
}

TEST_F(WatchTest, GarbageIsAFaultAndLeadsToAList) {
    const std::vector<std::string> lines{
        "nonsense\n",
        "{}\n",
        "[]\n",
        R"({"type":"ADDED"})"
        "\n",
        R"({"type":"ADDED","object":7})"
        "\n",
        event("ADDED", R"({"metadata":{"name":"x"}})"),
        event("ADDED", R"({"metadata":{"resourceVersion":"3"}})"),
        event("DELETED", R"({"metadata":[]})"),
    };
    begin();
    for (const std::string& line : lines) {
        const auto actions = watch_.on_bytes(line, now_);
        EXPECT_TRUE(find<CancelStream>(actions)) << line;
        EXPECT_NE(watch_.fault(), "");
        EXPECT_TRUE(watch_.on_bytes(event("ADDED", item("late", 50)), now_).empty());
        ASSERT_TRUE(find<SendList>(after_wait(actions))) << line;
        watch_.on_list(list(item("x", 1), 10), now_);
    }
    EXPECT_EQ(watch_.counters().relists.at("Garbage"), lines.size());
    EXPECT_EQ(watch_.store().size(), 1U);
}

TEST_F(WatchTest, OverlongLineLeadsToAList) {
    begin();
    const auto actions = watch_.on_bytes(std::string((16U << 20U) + 1, 'x'), now_);
    EXPECT_TRUE(find<CancelStream>(actions));
    EXPECT_TRUE(find<SendList>(after_wait(actions)));
}

TEST_F(WatchTest, WrongListsAreFaults) {
    auto actions = watch_.tick(now_);
    for (const char* body :
         {"",
          "[]",
          "{}",
          R"({"metadata":{"resourceVersion":"1"}})",
          R"({"metadata":{"resourceVersion":"1"},"items":7})",
          R"({"metadata":{"resourceVersion":"1"},"items":[{}]})"}) {
        ASSERT_TRUE(find<SendList>(actions)) << body;
        actions = after_wait(watch_.on_list({200, "", {}, body}, now_));
        EXPECT_NE(watch_.fault(), "") << body;
        EXPECT_FALSE(watch_.synced());
    }
    watch_.on_list({200, "", {}, R"({"metadata":{"resourceVersion":"1"},"items":null})"}, now_);
    EXPECT_TRUE(watch_.synced());
    EXPECT_EQ(watch_.fault(), "");
}

TEST_F(WatchTest, ExpiredPageTokenLeadsToAListInOnePiece) {
    watch_.tick(now_);
    watch_.on_list(list(item("x", 1), 10, "token"), now_);
    const auto actions = after_wait(watch_.on_list(refused(410, "Expired"), now_));
    ASSERT_TRUE(find<SendList>(actions));
    EXPECT_EQ(parameter(find<SendList>(actions)->request, "limit"), "-");
    EXPECT_EQ(parameter(find<SendList>(actions)->request, "continue"), "-");
    watch_.on_list(list(item("y", 2), 11), now_);
    EXPECT_EQ(watch_.store().size(), 1U);
}

TEST_F(WatchTest, RetryAfterIsHonoured) {
    watch_.tick(now_);
    Response busy = refused(429, "TooManyRequests");
    busy.retry_after = 40s;
    const auto actions = watch_.on_list(busy, now_);
    EXPECT_GE(find<WaitUntil>(actions)->at, now_ + 40s);
}

TEST_F(WatchTest, ServerThatIsAwayIsAskedSeldom) {
    watch_.tick(now_);
    const auto start = now_;
    int requests = 0;
    auto actions = watch_.on_list({0, "refused", {}, ""}, now_);
    while (now_ - start < 10min) {
        ASSERT_TRUE(find<SendList>(after_wait(actions)));
        ++requests;
        actions = watch_.on_list({0, "refused", {}, ""}, now_);
    }
    EXPECT_LT(requests, 150);  // 0.25 a second
    EXPECT_GT(requests, 20);
}

TEST_F(WatchTest, WatchThatEndsAtOnceIsNotOpenedInATurn) {
    begin();
    const auto actions = watch_.on_end({200, "", {}, ""}, now_ + 1s);
    EXPECT_FALSE(find<OpenStream>(actions));
    EXPECT_TRUE(find<OpenStream>(after_wait(actions)));
}

TEST_F(WatchTest, TwoHealthyMinutesForgetFailures) {
    begin();
    for (int i = 0; i < 10; ++i) after_wait(watch_.on_end({0, "reset", {}, ""}, now_));
    now_ += 121s;
    watch_.on_bytes(event("ADDED", item("z", 11)), now_);
    const auto actions = watch_.on_end({0, "reset", {}, ""}, now_);
    EXPECT_LE(find<WaitUntil>(actions)->at, now_ + 800ms);
}

TEST_F(WatchTest, AnswersOfAnotherStateAreIgnored) {
    EXPECT_TRUE(watch_.on_list(list("", 1), now_).empty());
    EXPECT_TRUE(watch_.on_bytes("x\n", now_).empty());
    EXPECT_TRUE(watch_.on_end({}, now_).empty());
    begin();
    EXPECT_TRUE(watch_.on_list(list("", 1), now_).empty());
    EXPECT_TRUE(watch_.tick(now_).empty());
}

}  // namespace
}  // namespace penstock::runtime
