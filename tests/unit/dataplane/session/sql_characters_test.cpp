#include "dataplane/session/sql_characters.hpp"

#include <string>

#include <gtest/gtest.h>

namespace penstock::session {
namespace {

TEST(SqlCharacters, AreWhatPostgresTakesThemFor) {
    std::string blanks;
    std::string beginnings;
    std::string only_within;
    for (int i = 0; i < 0x80; ++i) {
        const char c = static_cast<char>(i);
        if (is_blank(c)) blanks += c;
        if (begins_word(c)) beginnings += c;
        if (is_of_word(c) && !begins_word(c)) only_within += c;
    }
    EXPECT_EQ(blanks, "\t\n\v\f\r ");
    EXPECT_EQ(beginnings, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz");
    EXPECT_EQ(only_within, "$0123456789");
    EXPECT_TRUE(begins_word('\x80') && is_of_word('\xff'));
}

TEST(SqlCharacters, WordsAreComparedWithoutCase) {
    EXPECT_TRUE(is_word("SeLect", "select"));
    EXPECT_FALSE(is_word("selects", "select"));
    EXPECT_FALSE(is_word("sel%ct", "select"));
    EXPECT_TRUE(is_word("", ""));
}

}  // namespace
}  // namespace penstock::session
