#include "operator/runtime/event_series.hpp"

#include "crds/api/document.hpp"

#include <gmock/gmock.h>

namespace penstock::runtime {
namespace {

using namespace std::chrono_literals;

const Response done{201, "", {}, "{}"};
Response refused(int code) { return {code, "", {}, ""}; }

class EventSeriesTest : public testing::Test {
 protected:
    static EventNote note(const std::string& text, const std::string& uid = "u1") {
        return {
            true,
            "Connect",
            "DatabaseUnreachable",
            text,
            {"penstock.dev/v1alpha1", "ConnectionPool", "a", "orders", uid}};
    }
    void record(const EventNote& event) {
        series_.record(event, now_, WallTime(1'764'086'915s + (now_ - EventSeries::Time{})));
    }
    // Sends what is due; returns how many requests.
    int send(const Response& answer = done) {
        int count = 0;
        while (const auto job = series_.take(now_)) {
            ++count;
            last_ = job->request;
            series_.finish(job->key, answer, now_);
        }
        return count;
    }
    api::Document body() const { return api::parse_json(last_.body).value(); }

    EventSeries series_{"penstock.dev/operator", "operator-1"};
    EventSeries::Time now_{1000s};
    Request last_;
};

TEST_F(EventSeriesTest, WritesAnEventThatNamesItsObject) {
    record(note("down"));
    EXPECT_EQ(series_.next(), now_);
    EXPECT_EQ(send(), 1);
    EXPECT_EQ(last_.method, Method::Post);
    EXPECT_EQ(last_.path, "/apis/events.k8s.io/v1/namespaces/a/events");
    const auto event = body();
    EXPECT_EQ(event["apiVersion"], "events.k8s.io/v1");
    EXPECT_EQ(event["type"], "Warning");
    EXPECT_EQ(event["action"], "Connect");
    EXPECT_EQ(event["reason"], "DatabaseUnreachable");
    EXPECT_EQ(event["note"], "down");
    EXPECT_EQ(event["reportingController"], "penstock.dev/operator");
    EXPECT_EQ(event["reportingInstance"], "operator-1");
    EXPECT_EQ(event["eventTime"], "2025-11-25T16:25:15.000000Z");
    EXPECT_EQ(event["regarding"]["uid"], "u1");
    EXPECT_EQ(event["regarding"]["name"], "orders");
    EXPECT_FALSE(event.contains("series"));
    EXPECT_EQ(event["metadata"]["name"].get<std::string>().find("orders."), 0U);
}

TEST_F(EventSeriesTest, SameFailureFiftyTimesIsOneEventAndThreeWrites) {
    int writes = 0;
    std::string path;
    for (int i = 0; i < 50; ++i) {
        record(note("down since " + std::to_string(i) + " s"));
        writes += send();
        if (last_.method == Method::Patch) path = last_.path;
        now_ += 7s;
    }
    EXPECT_LE(writes, 3);
    EXPECT_EQ(last_.content_type, "application/merge-patch+json");
    EXPECT_EQ(last_.path, path);
    now_ += 180s;
    EXPECT_EQ(send(), 1);  // the rest of the count is told in the end
    EXPECT_EQ(body()["series"]["count"], 50);
    EXPECT_EQ(series_.next(), std::nullopt);
}

TEST_F(EventSeriesTest, SilenceEndsASeries) {
    record(note("down"));
    send();
    now_ += 361s;
    record(note("down"));
    EXPECT_EQ(send(), 1);
    EXPECT_EQ(last_.method, Method::Post);
}

TEST_F(EventSeriesTest, DifferentReasonsAndObjectsAreSeveralEvents) {
    record(note("down"));
    record(note("down", "u2"));
    record(note("refused the password"));
    EXPECT_EQ(send(), 3);
}

TEST_F(EventSeriesTest, OneObjectCannotFlood) {
    for (int i = 0; i < 100; ++i) record(note(std::string("x") + static_cast<char>('!' + i / 2)));
    record(note("other", "u2"));
    EXPECT_LE(send(), 26);
    EXPECT_GT(series_.counters().dropped, 0U);
}

TEST_F(EventSeriesTest, OneIsSentAtATime) {
    record(note("down"));
    record(note("down", "u2"));
    const auto job = series_.take(now_);
    ASSERT_TRUE(job);
    EXPECT_FALSE(series_.take(now_));
    record(note("down"));
    record(note("down"));
    series_.finish(job->key, done, now_);
    EXPECT_EQ(send(), 2);
    EXPECT_EQ(series_.counters().written, 3U);
}

TEST_F(EventSeriesTest, FailureIsRetriedThreeTimesThenDropped) {
    record(note("down"));
    EXPECT_EQ(send(refused(500)), 1);
    now_ += 10s;
    EXPECT_EQ(send(refused(500)), 1);
    now_ += 10s;
    EXPECT_EQ(send(refused(500)), 1);
    EXPECT_EQ(series_.next(), std::nullopt);
    EXPECT_EQ(series_.counters().dropped, 1U);
    record(note("strange"));
    EXPECT_EQ(send(refused(422)), 1);
    EXPECT_EQ(series_.next(), std::nullopt);
}

TEST_F(EventSeriesTest, CreateThatWasSentTwiceIsDone) {
    const Response there{409, "", {}, R"({"kind":"Status","code":409,"reason":"AlreadyExists"})"};
    record(note("down"));
    EXPECT_EQ(send(there), 1);
    EXPECT_EQ(series_.counters().written, 1U);
    EXPECT_EQ(series_.counters().dropped, 0U);
}

TEST_F(EventSeriesTest, EventThatHasExpiredIsMadeAnewNextTime) {
    record(note("down"));
    send();
    record(note("down"));
    EXPECT_EQ(send(refused(404)), 1);
    record(note("down"));
    EXPECT_EQ(send(), 1);
    EXPECT_EQ(last_.method, Method::Post);
}

TEST_F(EventSeriesTest, LongTextsAreCutBetweenCharacters) {
    std::string text;
    for (int i = 0; i < 1000; ++i) text += "\u00fc";
    record(note(text));
    send();
    EXPECT_EQ(body()["note"].get<std::string>().size(), 1024U);
}

TEST(NoteClass, NumbersDoNotMakeNotesDifferent) {
    EXPECT_EQ(note_class("12 of 345 ms"), "# of # ms");
    EXPECT_EQ(note_class(""), "");
}

}  // namespace
}  // namespace penstock::runtime
