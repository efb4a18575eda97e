#include "crds/api/document.hpp"

#include <gtest/gtest.h>

namespace penstock::api {
namespace {

TEST(DocumentText, ErrorNamesTheByte) {
    const auto broken = parse_json(R"({"a": 1,, "b": 2})");
    ASSERT_FALSE(broken);
    EXPECT_EQ(broken.error().text, "is not JSON at byte 9");
    EXPECT_FALSE(parse_json(""));
    EXPECT_FALSE(parse_json("{} {}"));
    EXPECT_FALSE(parse_json("1e999"));
    EXPECT_FALSE(parse_json("\"\xff\""));
}

TEST(DocumentText, DeepNestingIsRead) {
    const std::string deep = std::string(100'000, '[') + std::string(100'000, ']');
    EXPECT_TRUE(parse_json(deep));
}

TEST(DocumentText, KeepsTheOrderOfKeys) {
    EXPECT_EQ(
        to_json_text(parse_json(R"({"b": 1, "a": [true, null]})").value()),
        R"({"b":1,"a":[true,null]})"
    );
}

TEST(DocumentText, BytesThatAreNoTextAreReplaced) {
    EXPECT_EQ(to_json_text(Document("a\xff")), "\"a\xEF\xBF\xBD\"");
}

TEST(DocumentText, ValuesAreDescribed) {
    EXPECT_EQ(describe(Document("abc")), "the text \"abc\"");
    EXPECT_EQ(describe(Document(nullptr)), "nothing");
    EXPECT_EQ(describe(Document::array()), "a list");
    EXPECT_EQ(describe(Document::object()), "an object");
    EXPECT_EQ(describe(Document(-3)), "-3");
    EXPECT_EQ(
        describe(Document(std::string(100, 'x'))), "the text \"" + std::string(59, 'x') + "...\""
    );
}

}  // namespace
}  // namespace penstock::api
