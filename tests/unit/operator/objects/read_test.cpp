#include "operator/objects/read.hpp"

#include <gtest/gtest.h>

namespace penstock::objects {
namespace {

TEST(Read, MissingAndOtherKindsReadAsNothing) {
    const auto document =
        *api::parse_json(R"({"a": {"b": "x", "n": 3, "l": [1], "m": {"k/v": "y"}}})");
    EXPECT_EQ(text_at(document, "/a/b"), "x");
    EXPECT_EQ(text_at(document, "/a/n"), "");
    EXPECT_EQ(text_at(document, "/z/b"), "");
    EXPECT_EQ(number_at(document, "/a/n"), 3);
    EXPECT_EQ(number_at(document, "/a/b"), 0);
    EXPECT_EQ(list_at(document, "/a/l").size(), 1U);
    EXPECT_TRUE(list_at(document, "/a/b").empty());
    EXPECT_EQ(entry_of(document, "/a/m", "k/v"), "y");
    EXPECT_EQ(entry_of(document, "/a/b", "k/v"), "");
}

}  // namespace
}  // namespace penstock::objects
