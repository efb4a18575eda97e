#include "dataplane/wire/saslprep.hpp"

#include <initializer_list>

#include <gtest/gtest.h>

namespace penstock::wire {
namespace {

// What PostgreSQL 15 makes of them, read off its verifiers.
TEST(Saslprep, MakesOfAPasswordWhatPostgresqlMakes) {
    struct Case {
        std::string_view password;
        std::string_view prepared;
    };
    for (const Case& c : std::initializer_list<Case>{
             {"", ""},
             {"pencil", "pencil"},
             {"tab\tand\x7f", "tab\tand\x7f"},  // ASCII is not judged
             {"I\u00adX", "IX"},                // soft hyphen
             {"a\u00a0b", "a b"},               // no-break space
             {"a\u200bb", "a b"},
             {"e\u0301te\u0301", "\u00e9t\u00e9"},  // decomposed
             {"\u2168", "IX"},                      // Roman numeral
             {"\u00aa", "a"},
             {"\ufb01n", "fin"},
             {"\u212b", "\u00c5"},  // Angstrom sign
             {"\ufdfa",
              "\u0635\u0644\u0649 \u0627\u0644\u0644\u0647 "
              "\u0639\u0644\u064a\u0647 \u0648\u0633\u0644\u0645"},
             {"\ufb33", "\u05d3\u05bc"},  // judged before it is normalised
         }) {
        EXPECT_EQ(saslprep(c.password), c.prepared) << c.password;
    }
}

TEST(Saslprep, LeavesAsItIsWhatHasNoNormalForm) {
    for (const std::string_view password :
         {"\xff\xfe",             // not UTF-8
          "a\u00adb\xc3",         // cut in the middle of a character
          "\xed\xa0\x80x",        // a surrogate
          "a\u00a0\u0007\u0085",  // control characters behind a space that would be mapped
          "\u0221\u00a0",         // not in Unicode 3.2
          "\U0001f600",           // not in Unicode 3.2
          "\u0627a\u00a0",        // right to left and left to right
          "\u0340\u00a0",         // deprecated
          "\ue000\u00a0",         // private use
          "\u00ad\u00ad",         // nothing would be left
          "\ufffd\u00a0"}) {
        EXPECT_EQ(saslprep(password), password);
    }
}

}  // namespace
}  // namespace penstock::wire
