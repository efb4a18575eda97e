#include "operator/runtime/writer.hpp"

#include <gmock/gmock.h>

namespace penstock::runtime {
namespace {

using namespace std::chrono_literals;

Write write(const std::string& body) {
    return {{Method::Patch, "/x", {}, "application/json", body}, false, false};
}
Response answer(int code, const std::string& reason = "") {
    return {
        code,
        "",
        {},
        R"({"kind":"Status","code":)" + std::to_string(code) + R"(,"reason":")" + reason + "\"}"};
}
const Response done{200, "", {}, "{}"};

class WriterTest : public testing::Test {
 protected:
    // The body that is sent now; "-" when nothing is.
    std::string sent() {
        const auto job = writer_.take(now_);
        return job ? job->request.body : "-";
    }
    void wait() {
        const auto next = writer_.next(now_);
        ASSERT_TRUE(next);
        now_ = std::max(now_, *next);
    }
    Writer::Time now_{1000s};
    Writer writer_{WriterSettings{}};
};

TEST_F(WriterTest, WishIsSentOnceAndSettled) {
    writer_.want("a", write("1"), now_);
    EXPECT_EQ(sent(), "1");
    EXPECT_EQ(sent(), "-");
    writer_.want("a", write("1"), now_);
    writer_.finish("a", done, now_);
    EXPECT_EQ(sent(), "-");
    EXPECT_TRUE(writer_.is_settled("a"));
    EXPECT_TRUE(writer_.is_idle());
    writer_.want("a", write("1"), now_);  // it is wanted again: somebody has changed it
    EXPECT_EQ(sent(), "1");
}

TEST_F(WriterTest, NewestWins) {
    writer_.want("a", write("1"), now_);
    writer_.want("a", write("2"), now_);
    EXPECT_EQ(sent(), "2");
    writer_.want("a", write("3"), now_);
    writer_.want("a", write("4"), now_);
    EXPECT_EQ(sent(), "-");  // one at a time
    writer_.finish("a", done, now_);
    EXPECT_EQ(sent(), "4");
    writer_.finish("a", done, now_);
    EXPECT_EQ(sent(), "-");
}

TEST_F(WriterTest, WishThatGoesBackToWhatIsInFlightIsNotSentTwice) {
    writer_.want("a", write("1"), now_);
    EXPECT_EQ(sent(), "1");
    writer_.want("a", write("2"), now_);
    writer_.want("a", write("1"), now_);
    writer_.finish("a", done, now_);
    EXPECT_TRUE(writer_.is_settled("a"));
}

TEST_F(WriterTest, FailureIsRetriedWithTheNewestWish) {
    writer_.want("a", write("1"), now_);
    EXPECT_EQ(sent(), "1");
    EXPECT_TRUE(std::holds_alternative<Retry>(writer_.finish("a", answer(500), now_)));
    EXPECT_EQ(writer_.faults().at("a").text, "500");
    writer_.want("a", write("2"), now_);
    EXPECT_EQ(sent(), "-");  // its turn comes after the back-off
    wait();
    EXPECT_EQ(sent(), "2");
    writer_.finish("a", done, now_);
    EXPECT_TRUE(writer_.faults().empty());
}

TEST_F(WriterTest, GarbageIsNoSuccess) {
    writer_.want("a", write("1"), now_);
    EXPECT_EQ(sent(), "1");
    EXPECT_TRUE(std::holds_alternative<Retry>(writer_.finish("a", {200, "", {}, "<html>"}, now_)));
    EXPECT_FALSE(writer_.is_settled("a"));
}

TEST_F(WriterTest, TerminalFaultStaysUntilSomethingElseIsWanted) {
    writer_.want("a", write("1"), now_);
    EXPECT_EQ(sent(), "1");
    writer_.finish("a", answer(422, "Invalid"), now_);
    writer_.want("a", write("1"), now_ + 1h);
    EXPECT_EQ(writer_.next(now_), std::nullopt);
    EXPECT_TRUE(writer_.faults().at("a").is_terminal);
    writer_.want("a", write("2"), now_);
    EXPECT_EQ(sent(), "2");
    writer_.finish("a", done, now_);
    EXPECT_TRUE(writer_.faults().empty());
}

TEST_F(WriterTest, NewerWishFollowsARefusalAtOnce) {
    writer_.want("a", write("1"), now_);
    EXPECT_EQ(sent(), "1");
    writer_.want("a", write("2"), now_);
    writer_.finish("a", answer(422, "Invalid"), now_);
    EXPECT_EQ(sent(), "2");
}

TEST_F(WriterTest, AbsenceAndPresenceMayBeWhatIsWanted) {
    writer_.want("gone", {{Method::Delete, "/x", {}, {}, {}}, true, false}, now_);
    writer_.want("there", {{Method::Post, "/y", {}, {}, {}}, false, true}, now_);
    while (const auto job = writer_.take(now_)) {
        const bool is_delete = job->request.method == Method::Delete;
        const auto outcome = writer_.finish(
            job->key, is_delete ? answer(404, "NotFound") : answer(409, "AlreadyExists"), now_
        );
        EXPECT_TRUE(std::holds_alternative<Done>(outcome)) << job->key;
    }
    EXPECT_TRUE(writer_.is_idle());
}

TEST_F(WriterTest, DroppedKeyEndsUnseenAndMayBeWantedAgain) {
    writer_.want("a", write("1"), now_);
    EXPECT_EQ(sent(), "1");
    writer_.drop("a");
    writer_.want("a", write("2"), now_);
    writer_.drop("a");
    writer_.want("a", write("3"), now_);
    EXPECT_EQ(sent(), "-");  // the first is still on its way
    writer_.finish("a", answer(422, "Invalid"), now_);
    EXPECT_TRUE(writer_.faults().empty());
    EXPECT_EQ(sent(), "3");
    writer_.drop("a");
    writer_.finish("a", done, now_);
    EXPECT_TRUE(writer_.is_idle());
    EXPECT_EQ(sent(), "-");
    writer_.want("b", write("1"), now_);
    writer_.drop("b");
    EXPECT_EQ(sent(), "-");
}

TEST_F(WriterTest, NoMoreThanEightAreInFlight) {
    for (int i = 0; i < 12; ++i) writer_.want("k" + std::to_string(i), write("1"), now_);
    int count = 0;
    while (writer_.take(now_)) ++count;
    EXPECT_EQ(count, 8);
    EXPECT_EQ(writer_.next(now_), std::nullopt);
    writer_.finish("k0", done, now_);
    EXPECT_TRUE(writer_.take(now_));
}

TEST_F(WriterTest, RateIsLimitedAfterTheBurst) {
    const auto began = now_;
    for (int i = 0; i < 140; ++i) writer_.want("k" + std::to_string(i), write("1"), now_);
    int at_once = 0;
    while (!writer_.is_idle()) {
        while (const auto job = writer_.take(now_)) {
            if (now_ == began) ++at_once;
            writer_.finish(job->key, done, now_);
        }
        if (!writer_.is_idle()) wait();
    }
    EXPECT_EQ(at_once, 40);
    EXPECT_GT(now_ - began, 4900ms);
    EXPECT_LT(now_ - began, 5100ms);
}

TEST_F(WriterTest, ThrottlingHoldsEverybodyForAsLongAsTheServerSays) {
    writer_.want("a", write("1"), now_);
    writer_.want("b", write("1"), now_);
    const auto job = writer_.take(now_);
    Response busy = answer(429, "TooManyRequests");
    busy.retry_after = 7s;
    writer_.finish(job->key, busy, now_);
    EXPECT_EQ(writer_.next(now_), now_ + 7s);
    EXPECT_EQ(sent(), "-");
    now_ += 7s;
    EXPECT_EQ(sent(), "1");
}

TEST_F(WriterTest, ServerThatIsAwayIsAskedSeldom) {
    for (int i = 0; i < 50; ++i) writer_.want("k" + std::to_string(i), write("1"), now_);
    const auto began = now_;
    int asked = 0;
    while (now_ - began < 10min) {
        while (const auto job = writer_.take(now_)) {
            ++asked;
            writer_.finish(job->key, {0, "refused", {}, ""}, now_);
        }
        wait();
    }
    EXPECT_LT(asked, 300);
    EXPECT_EQ(writer_.faults().at("k0").text, "refused");
}

}  // namespace
}  // namespace penstock::runtime
