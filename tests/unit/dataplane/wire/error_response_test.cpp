#include "dataplane/wire/error_response.hpp"

#include "tests/support/messages.hpp"

#include <gtest/gtest.h>

namespace penstock::wire {
namespace {

using test::bytes;
using test::messages;

TEST(ErrorResponse, IsWrittenWithItsFields) {
    std::string out;
    write_error(out, {Severity::Fatal, "57P01", "bye", "because", "come again"});
    ASSERT_EQ(messages(out).size(), 1U);
    EXPECT_EQ(messages(out)[0].type, 'E');
    EXPECT_EQ(
        messages(out)[0].body, bytes("SFATAL\0VFATAL\0C57P01\0Mbye\0Dbecause\0Hcome again\0\0")
    );
}

TEST(ErrorResponse, EmptyDetailAndHintAreLeftOut) {
    std::string out;
    write_error(out, {Severity::Error, "53300", "full"});
    EXPECT_EQ(messages(out)[0].body, bytes("SERROR\0VERROR\0C53300\0Mfull\0\0"));
}

TEST(ErrorResponse, NoticesAreNoErrors) {
    std::string out;
    write_error(out, {Severity::Notice, "00000", "hello"});
    write_error(out, {Severity::Warning, "01000", "careful"});
    EXPECT_EQ(test::types(out), "NN");
    EXPECT_EQ(read_error(messages(out)[0].body).severity, "NOTICE");
    EXPECT_EQ(read_error(messages(out)[1].body).severity, "WARNING");
}

TEST(ErrorResponse, ReadsWhatWeActOn) {
    const std::string body = bytes("SFEHLER\0VERROR\0C42601\0Mwhat\0P1\0Fscan.l\0\0");
    const ErrorFields fields = read_error(body);
    EXPECT_EQ(fields.severity, "ERROR");
    EXPECT_EQ(fields.sql_state, "42601");
    EXPECT_EQ(fields.message, "what");
    EXPECT_FALSE(fields.is_fatal());
}

TEST(ErrorResponse, SeverityOfOldServersIsTheLocalisedOne) {
    EXPECT_TRUE(read_error(bytes("SFATAL\0C57P01\0Mbye\0\0")).is_fatal());
    EXPECT_TRUE(read_error(bytes("SPANIK\0VPANIC\0\0")).is_fatal());
}

TEST(ErrorResponse, AnyBodyIsRead) {
    const std::string bodies[]{
        "", bytes("\0"), "S", "SERROR", bytes("C\0\0"), bytes("\xff\xff\0"), bytes("SERROR\0M")};
    for (const std::string& body : bodies) {
        const ErrorFields fields = read_error(body);
        EXPECT_EQ(fields.sql_state, "");
        std::string out;
        write_error_renamed(out, body, {"a", "b"});
        EXPECT_EQ(test::types(out), "E");
    }
}

TEST(ErrorResponse, RenamesInThePrimaryMessageOnly) {
    std::string out;
    write_error_renamed(
        out,
        bytes("SERROR\0C42P05\0Mprepared statement \"penstock_7\" already exists\0Dpenstock_7\0\0"),
        {"penstock_7", "mine"}
    );
    EXPECT_EQ(
        messages(out)[0].body,
        bytes("SERROR\0C42P05\0Mprepared statement \"mine\" already exists\0Dpenstock_7\0\0")
    );
}

TEST(ErrorResponse, PositionsBehindTheNameAreMovedBack) {
    const PositionShift shifts[]{{8, 20}, {30, -1}};
    for (const auto& [before, after] :
         {std::pair{"9", "9"}, {"30", "10"}, {"51", "31"}, {"52", "33"}}) {
        std::string out;
        const std::string head = bytes("SERROR\0C42703\0Mno column penstock_7\0P");
        write_error_renamed(out, head + before + bytes("\0\0"), {.shifts = shifts});
        EXPECT_EQ(messages(out)[0].body, head + after + bytes("\0\0"));
    }
}

TEST(ErrorResponse, NameIsNotFoundInALongerOne) {
    EXPECT_EQ(find_name("\"penstock_71\" or \"penstock_7\"", "penstock_7"), 18U);
    EXPECT_EQ(find_name("\"penstock_71\"", "penstock_7"), std::string_view::npos);
    EXPECT_EQ(find_name("penstock_7", "penstock_7"), 0U);
    EXPECT_EQ(find_name("penstock_7", ""), std::string_view::npos);
}

TEST(ErrorResponse, MessageWithoutTheNameStaysAsItIs) {
    std::string out;
    const std::string body = bytes("SERROR\0C42601\0Msyntax error\0P3\0\0");
    write_error_renamed(out, body, {"penstock_7", "mine"});
    EXPECT_EQ(messages(out)[0].body, body);
}

}  // namespace
}  // namespace penstock::wire
