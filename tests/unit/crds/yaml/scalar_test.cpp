#include "crds/yaml/scalar.hpp"

#include <gtest/gtest.h>

namespace penstock::yaml {
namespace {

TEST(Scalar, PlainTextsAreResolvedAsYaml12) {
    struct Case {
        std::string_view text;
        std::string_view json;
    };
    for (const Case& each : {
             Case{"", "null"},
             Case{"~", "null"},
             Case{"null", "null"},
             Case{"NULL", "null"},
             Case{"true", "true"},
             Case{"False", "false"},
             Case{"yes", "\"yes\""},
             Case{"off", "\"off\""},
             Case{"0", "0"},
             Case{"-7", "-7"},
             Case{"+7", "7"},
             Case{"0x1F", "31"},
             Case{"0o17", "15"},
             Case{"017", "\"017\""},
             Case{"1_000", "\"1_000\""},
             Case{"18446744073709551615", "18446744073709551615"},
             Case{"18446744073709551616", "\"18446744073709551616\""},
             Case{"-9223372036854775808", "-9223372036854775808"},
             Case{"1.5", "1.5"},
             Case{"-1e3", "-1000.0"},
             Case{".5", "0.5"},
             Case{"1.2.3", "\"1.2.3\""},
             Case{".inf", "\".inf\""},
             Case{".nan", "\".nan\""},
             Case{"-", "\"-\""},
             Case{"+", "\"+\""},
             Case{"0x", "\"0x\""},
             Case{"1e999", "\"1e999\""},
             Case{"12:30", "\"12:30\""},
             Case{"10s", "\"10s\""},
         }) {
        EXPECT_EQ(plain_scalar(each.text).dump(), each.json) << each.text;
    }
}

TEST(Scalar, TextsThatLookLikeSomethingElseNeedQuotes) {
    for (const std::string_view text :
         {"",
          "~",
          "null",
          "true",
          "5",
          "-5",
          "1.5",
          "yes",
          "No",
          "ON",
          "y",
          "2024-01-01",
          "12:30",
          "017",
          ".inf"}) {
        EXPECT_TRUE(needs_quotes(text)) << text;
    }
    for (const std::string_view text :
         {"abc", "yesterday", "a1", "penstock.dev/v1alpha1", "Nope"}) {
        EXPECT_FALSE(needs_quotes(text)) << text;
    }
}

}  // namespace
}  // namespace penstock::yaml
