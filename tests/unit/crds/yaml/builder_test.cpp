#include "crds/yaml/builder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace penstock::yaml {
namespace {

using testing::HasSubstr;

std::string refusal(std::string_view text, const ReadLimits& limits = {}) {
    const auto documents = read(text, "f", limits);
    return documents ? "" : to_string(documents.error());
}

TEST(Builder, KeysAreGivenOnce) {
    EXPECT_EQ(
        refusal("a: 1\nb:\n  c: 1\n  c: 2\n"), "f:4:3: the key \"c\" is given twice; remove one"
    );
    EXPECT_EQ(refusal("a: {b: 1}\na: 2\n"), "f:2:1: the key \"a\" is given twice; remove one");
    EXPECT_EQ(refusal("1: a\n\"1\": b\n"), "f:2:1: the key \"1\" is given twice; remove one");
}

TEST(Builder, KeysAreTexts) {
    EXPECT_THAT(refusal("? [a]\n: 1\n"), HasSubstr("a key must be a text"));
    EXPECT_THAT(refusal("? {a: b}\n: 1\n"), HasSubstr("a key must be a text"));
    EXPECT_THAT(refusal("? \n: 1\n"), HasSubstr("a key must be a text"));
    EXPECT_THAT(refusal("a: &x k\n*x : 1\n"), HasSubstr("an alias cannot be a key"));
    EXPECT_EQ(read_one("1: a\ntrue: b\n", "f").value().dump(), R"({"1":"a","true":"b"})");
}

TEST(Builder, AliasesRepeatValues) {
    EXPECT_EQ(
        read_one("a: &x {b: [1, &y z]}\nc: *x\nd: *y\n", "f").value().dump(),
        R"({"a":{"b":[1,"z"]},"c":{"b":[1,"z"]},"d":"z"})"
    );
    EXPECT_EQ(read_one("a: &n\nb: *n\n", "f").value().dump(), R"({"a":null,"b":null})");
}

TEST(Builder, AliasCannotRepeatWhatItIsPartOf) {
    EXPECT_THAT(refusal("a: &x [*x]\n"), HasSubstr("cannot repeat what it is part of"));
}

TEST(Builder, AliasBombIsStopped) {
    std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n";
    for (int i = 1; i < 12; ++i) {
        const std::string before = "*a" + std::to_string(i - 1);
        bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + before;
        for (int k = 0; k < 8; ++k) bomb += ", " + before;
        bomb += "]\n";
    }
    EXPECT_THAT(refusal(bomb), HasSubstr("more than 200000 values"));
}

TEST(Builder, DepthIsLimited) {
    EXPECT_THAT(
        refusal(std::string(65, '[') + std::string(65, ']')),
        HasSubstr("nested deeper than 64 levels")
    );
    EXPECT_EQ(refusal(std::string(64, '[') + std::string(64, ']')), "");
    EXPECT_NE(refusal(std::string(100'000, '[')), "");
    EXPECT_NE(refusal(std::string(100'000, '{')), "");
}

TEST(Builder, NodesAreCounted) {
    EXPECT_EQ(refusal("[1, 2]", {.bytes = 100, .nodes = 3, .depth = 9}), "");
    EXPECT_THAT(
        refusal("[1, 2, 3]", {.bytes = 100, .nodes = 3, .depth = 9}),
        HasSubstr("more than 3 values")
    );
}

TEST(Builder, TagsAndMergeKeysAreRefused) {
    EXPECT_THAT(refusal("a: !!binary aGk=\n"), HasSubstr("is not supported; leave it out"));
    EXPECT_THAT(refusal("a: !mine {b: 1}\n"), HasSubstr("is not supported; leave it out"));
    EXPECT_THAT(refusal("a: &x {b: 1}\nc:\n  <<: *x\n"), HasSubstr("merge keys are not supported"));
    EXPECT_EQ(read_one("a: !!str 5\n", "f").value().dump(), R"({"a":"5"})");
}

}  // namespace
}  // namespace penstock::yaml
