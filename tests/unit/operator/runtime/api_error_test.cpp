#include "operator/runtime/api_error.hpp"

#include <gmock/gmock.h>

namespace penstock::runtime {
namespace {

using namespace std::chrono_literals;

Response status(int code, const std::string& reason, const std::string& more = "") {
    return {
        code,
        "",
        {},
        R"({"kind":"Status","code":)" + std::to_string(code) + R"(,"reason":")" + reason +
            R"(","message":"why")" + more + "}"};
}

TEST(ApiError, ClassOfEachAnswer) {
    struct Row {
        Response response;
        AnswerClass expected;
        bool is_retryable;
    };
    const std::vector<Row> rows{
        {{200, "", {}, "{}"}, AnswerClass::Ok, false},
        {{201, "", {}, ""}, AnswerClass::Ok, false},
        {status(400, "BadRequest"), AnswerClass::Invalid, false},
        {status(401, "Unauthorized"), AnswerClass::Unauthorized, true},
        {status(403, "Forbidden"), AnswerClass::Forbidden, true},
        {status(404, "NotFound"), AnswerClass::NotFound, true},
        {status(409, "Conflict"), AnswerClass::Conflict, true},
        {status(409, "AlreadyExists"), AnswerClass::AlreadyExists, false},
        {status(410, "Expired"), AnswerClass::Gone, true},
        {status(410, "Gone"), AnswerClass::Gone, true},
        {status(422, "Invalid"), AnswerClass::Invalid, false},
        {status(429, "TooManyRequests"), AnswerClass::TooManyRequests, true},
        {status(500, "InternalError"), AnswerClass::ServerError, true},
        {status(504, "Timeout"), AnswerClass::ServerError, true},
        {status(504, "Timeout", R"(,"details":{"causes":[{"reason":"ResourceVersionTooLarge"}]})"),
         AnswerClass::TooLargeVersion,
         true},
        {{502, "", {}, "<html>"}, AnswerClass::ServerError, true},
        {{302, "", {}, ""}, AnswerClass::Garbage, true},
        {{0, "connection refused", {}, ""}, AnswerClass::Unreachable, true},
    };
    for (const Row& row : rows) {
        const Answer answer = read_answer(row.response);
        EXPECT_EQ(answer.what, row.expected) << row.response.status << row.response.body;
        EXPECT_EQ(answer.is_retryable(), row.is_retryable) << row.response.body;
        EXPECT_EQ(answer.text.empty(), answer.ok());
    }
}

TEST(ApiError, TextNamesCodeReasonAndMessage) {
    EXPECT_EQ(read_answer(status(422, "Invalid")).text, "422 Invalid: why");
    EXPECT_EQ(read_answer({502, "", {}, "<html>"}).text, "502: <html>");
    EXPECT_EQ(read_answer({0, "refused", {}, ""}).text, "refused");
}

TEST(ApiError, LongTextsAreCutBetweenCharacters) {
    std::string body;
    for (int i = 0; i < 1000; ++i) body += "\u00fc";
    const std::string text = read_answer({500, "", {}, body}).text;
    EXPECT_LE(text.size(), 503U);
    EXPECT_THAT(text, testing::EndsWith("\u00fc..."));
}

TEST(ApiError, CodeOfAStatusInAStreamGoesBeforeThatOfHttp) {
    const auto gone = *api::parse_json(R"({"kind":"Status","code":410,"reason":"Expired"})");
    EXPECT_EQ(read_status(gone, 500).what, AnswerClass::Gone);
    EXPECT_EQ(read_status(*api::parse_json(R"({"code":7})"), 500).what, AnswerClass::ServerError);
    EXPECT_EQ(read_status(*api::parse_json("[]"), 500).what, AnswerClass::ServerError);
}

TEST(ApiError, OutcomeSaysWhetherAndWhenToTryAgain) {
    EXPECT_TRUE(std::holds_alternative<Done>(outcome_of(Response{200, "", {}, "{}"})));
    EXPECT_TRUE(std::holds_alternative<Retry>(outcome_of(status(409, "Conflict"))));
    EXPECT_TRUE(std::holds_alternative<Terminal>(outcome_of(status(422, "Invalid"))));
    Response slow = status(429, "TooManyRequests");
    EXPECT_TRUE(std::holds_alternative<Retry>(outcome_of(slow)));
    slow.retry_after = 7s;
    EXPECT_EQ(std::get<After>(outcome_of(slow)).delay, 7s);
}

TEST(ApiError, EachClassHasAName) {
    EXPECT_EQ(to_string(AnswerClass::Ok), "Ok");
    EXPECT_EQ(to_string(AnswerClass::Garbage), "Garbage");
}

}  // namespace
}  // namespace penstock::runtime
