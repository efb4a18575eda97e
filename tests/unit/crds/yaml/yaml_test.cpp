#include "crds/yaml/yaml.hpp"

#include "crds/api/definition.hpp"

#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace penstock::yaml {
namespace {

using api::Document;

TEST(Yaml, QuotedScalarsStayTexts) {
    EXPECT_EQ(
        read_one(
            "a: \"5\"\nb: 'true'\nc: 5\nd: |\n  two\n  lines\ne: >-\n  one\n  line\nf: \"\"\n", "f"
        )
            .value()
            .dump(),
        R"({"a":"5","b":"true","c":5,"d":"two\nlines\n","e":"one line","f":""})"
    );
}

TEST(Yaml, KeepsTheOrderOfKeys) {
    EXPECT_EQ(
        read_one("z: 1\na: 2\nm: {y: 1, b: 2}\n", "f").value().dump(),
        R"({"z":1,"a":2,"m":{"y":1,"b":2}})"
    );
}

TEST(Yaml, SeveralDocumentsInOneText) {
    const auto documents = read("---\na: 1\n---\n# nothing\n---\nb: 2\n...\n", "f");
    ASSERT_TRUE(documents) << to_string(documents.error());
    ASSERT_EQ(documents->size(), 2U);
    EXPECT_EQ((*documents)[1].dump(), R"({"b":2})");
    EXPECT_EQ(
        read_one("a: 1\n---\nb: 2\n", "f").error().text,
        "has 2 documents; put each in a file of its own"
    );
}

TEST(Yaml, TextWithoutDocumentsIsEmpty) {
    EXPECT_TRUE(read("", "f")->empty());
    EXPECT_TRUE(read("# only a comment\n", "f")->empty());
    EXPECT_EQ(read_one("", "f").value(), Document::object());
    EXPECT_TRUE(read("---\n", "f")->empty());
    EXPECT_TRUE(read("...\n", "f")->empty());
    EXPECT_EQ(read("a: 1\n...\n", "f")->size(), 1U);
    EXPECT_EQ(read("a: 1\n...\n---\nb: 1", "f")->size(), 2U);
}

TEST(Yaml, SyntaxErrorsHaveTheirLine) {
    struct Case {
        std::string_view text;
        std::string_view place;
    };
    for (const Case& each : {
             Case{"a: 1\n  b: 2\n", "pool.yaml:2"},
             Case{"a: [1, 2\nb: 3\n", "pool.yaml:2"},
             Case{"a: \"open\n", "pool.yaml:3"},
             Case{"a: 'open\nb: 1\n", "pool.yaml:4"},
             Case{"a: \"open", "pool.yaml:2"},
             Case{"a:\n\t- 1\n", "pool.yaml:2"},
             Case{"a: *nobody\n", "pool.yaml:1"},
             Case{"a: @b\n", "pool.yaml:1"},
         }) {
        SCOPED_TRACE(each.text);
        const auto documents = read(each.text, "pool.yaml");
        ASSERT_FALSE(documents);
        EXPECT_THAT(documents.error().path, testing::StartsWith(std::string{each.place}));
        EXPECT_FALSE(documents.error().text.empty());
    }
}

TEST(Yaml, BytesThatAreNoTextAreRefused) {
    for (const std::string_view bad :
         {"\xff", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82", "\x01"}) {
        const auto documents = read("a: b\nc: " + std::string{bad}, "f");
        ASSERT_FALSE(documents);
        EXPECT_EQ(
            to_string(documents.error()), "f:2: has bytes that are no UTF-8 text; save it as UTF-8"
        );
    }
    EXPECT_FALSE(read(std::string_view{"a: b\0", 5}, "f"));
    EXPECT_EQ(read_one("a: \u00e4\u20ac\U0001F418\n", "f").value()["a"], "\u00e4\u20ac\U0001F418");
    EXPECT_TRUE(read(
        "\xef\xbb\xbf"
        "a: 1\n",
        "f"
    )) << "a byte order mark is no fault";
    EXPECT_TRUE(read("a: 1\r\nb: 2\r\n", "f"));
}

TEST(Yaml, LongTextsAreRefused) {
    EXPECT_EQ(
        to_string(read(std::string(11, ' '), "f", {.bytes = 10, .nodes = 9, .depth = 9}).error()),
        "f: has 11 bytes; at most 10 are read"
    );
}

TEST(Yaml, WhatIsWrittenIsReadBackAsItWas) {
    const Document document = Document::parse(R"({
        "texts": ["", "5", "true", "null", "~", "yes", "a: b", "- a", "# no", "two\nlines", " lead", "trail ", "\ttab",
                  "quote\"s", "it's", "ä€", "017", "0x1F", "1e3", "{", "&a", "*a", "!x", "%", "@", "`", "a #b", "---",
                  "\u0001", "\u0085", "<<"],
        "numbers": [0, -1, 18446744073709551615, 1.5, -1000.0],
        "others": [true, false, null, {}, [], {"a": {}}, [[]], [[1], {"b": []}]],
        "5": "a key that looks like a number", "": "an empty key", "true": 1
    })");
    const auto read_back = read_one(write(document), "f");
    ASSERT_TRUE(read_back) << to_string(read_back.error()) << "\n" << write(document);
    EXPECT_EQ(read_back->dump(), document.dump()) << write(document);
}

// Whatever is done to a good text, read() comes back with documents or an error.
TEST(Yaml, SpoiltTextsDoNoHarm) {
    const std::string good =
        write(api::backpressure_definition()).substr(0, 1'500) + "x: &a [1, *b]\n? {y}\n: |\n  z\n";
    std::mt19937 random{7};
    int refused = 0;
    for (int round = 0; round < 2'000; ++round) {
        std::string text = good;
        for (int edits = 0; edits < 4; ++edits) {
            constexpr std::string_view bytes = "\n\t :-?{}[]&*!|>'\"%@`#,\\\x80";
            text[random() % text.size()] = bytes[random() % bytes.size()];
        }
        if (!read(text.substr(random() % 1'000, random() % 800), "f")) ++refused;
    }
    EXPECT_GT(refused, 100);
}

}  // namespace
}  // namespace penstock::yaml
