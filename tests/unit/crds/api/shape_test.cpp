#include "crds/api/shape.hpp"

#include "crds/api/document.hpp"

#include <gtest/gtest.h>

namespace penstock::api {
namespace {

struct Shapes {
    bool flag = false;
    std::int32_t narrow = 0;
    std::uint64_t wide = 0;
    std::map<std::string, std::int32_t> counts;
    std::optional<std::string> text;

    static constexpr auto fields() {
        using S = Shapes;
        return std::tuple{
            entry(&S::flag, "flag"),
            entry(&S::narrow, "narrow"),
            entry(&S::wide, "wide"),
            entry(&S::counts, "counts"),
            entry(&S::text, "text"),
        };
    }
};
static_assert(complete<Shapes>());

Faults read(std::string_view json, Shapes& into, UnknownKeys unknown = UnknownKeys::Refuse) {
    Faults faults;
    shape::read(parse_json(json).value(), "", unknown, faults, into);
    return faults;
}

TEST(Shape, ReadsEveryKind) {
    Shapes shapes;
    const Faults faults = read(
        R"({"flag": true, "narrow": -2147483648, "wide": 18446744073709551615, "counts": {"a": 1}, "text": "t"})",
        shapes
    );
    EXPECT_TRUE(faults.errors().empty());
    EXPECT_TRUE(shapes.flag);
    EXPECT_EQ(shapes.narrow, INT32_MIN);
    EXPECT_EQ(shapes.wide, UINT64_MAX);
    EXPECT_EQ(shapes.counts.at("a"), 1);
    EXPECT_EQ(shapes.text, "t");
}

TEST(Shape, WrongKindsAreNamed) {
    struct Case {
        std::string_view json;
        std::string_view path;
        std::string_view text;
    };
    for (const Case& each : {
             Case{R"({"flag": "true"})", "flag", "must be true or false, not the text \"true\""},
             Case{
                 R"({"narrow": 2147483648})",
                 "narrow",
                 "must be between -2147483648 and 2147483647, not 2147483648"},
             Case{
                 R"({"wide": -1})",
                 "wide",
                 "must be a whole number from 0 up without quotes, not -1"},
             Case{R"({"counts": []})", "counts", "must be an object with fields, not a list"},
             Case{
                 R"({"counts": {"a": null}})",
                 "counts[a]",
                 "must be a whole number without quotes, not nothing"},
             Case{R"({"text": {}})", "text", "must be a text, not an object"},
         }) {
        SCOPED_TRACE(each.json);
        Shapes shapes;
        const Faults faults = read(each.json, shapes);
        ASSERT_EQ(faults.errors().size(), 1U);
        EXPECT_EQ(faults.errors()[0], (Error{std::string{each.path}, std::string{each.text}}));
    }
}

TEST(Shape, UnknownKeysAreRefusedWarnedOfOrIgnored) {
    Shapes shapes;
    EXPECT_EQ(
        read(R"({"narow": 1})", shapes).errors().at(0).text,
        "is not a field; did you mean \"narrow\"?"
    );
    const Faults warned = read(R"({"narow": 1, "narrow": 2})", shapes, UnknownKeys::Warn);
    EXPECT_TRUE(warned.errors().empty());
    EXPECT_EQ(warned.warnings().at(0).path, "narow");
    EXPECT_EQ(shapes.narrow, 2);
    const Faults ignored = read(R"({"narow": 1})", shapes, UnknownKeys::Ignore);
    EXPECT_TRUE(ignored.errors().empty());
    EXPECT_TRUE(ignored.warnings().empty());
}

TEST(Shape, LongUnknownKeysGetNoSuggestion) {
    Shapes shapes;
    const std::string json = "{\"" + std::string(5'000, 'n') + "\": 1}";
    EXPECT_EQ(
        read(json, shapes).errors().at(0).text,
        "is not a field; known are flag, narrow, wide, counts, text"
    );
}

}  // namespace
}  // namespace penstock::api
