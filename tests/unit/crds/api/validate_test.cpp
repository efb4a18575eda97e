#include "crds/api/validate.hpp"

#include <gtest/gtest.h>

namespace penstock::api {
namespace {

struct Element {
    std::string name;
    std::int32_t size = 1;

    static constexpr auto fields() {
        using S = Element;
        return std::tuple{
            field(&S::name, "name", "", required, length(1, 4), patterns::dns_subdomain),
            field(&S::size, "size", "", range(1, 9)),
        };
    }
};

struct Limited {
    std::optional<std::int32_t> limit;
    std::vector<Element> elements;
    std::vector<std::string> names;
    std::map<std::string, std::string> labels;
    std::int64_t open_ended = 0;

    static constexpr auto fields() {
        using S = Limited;
        return std::tuple{
            field(&S::limit, "limit", "", range(2, 5)),
            field(&S::elements, "elements", "", items(0, 2), map_by("name")),
            field(&S::names, "names", "", items(0, 3), as_set, length(0, 3)),
            field(&S::labels, "labels", "", items(0, 1), length(0, 3)),
            field(&S::open_ended, "openEnded", "", range(0, INT64_MAX)),
        };
    }
    static auto rules() {
        return std::array{Rule<Limited>{
            [](const Limited& self) { return !self.limit || self.open_ended <= *self.limit; },
            "",
            "openEnded",
            "must not be above limit",
            "",
            ""}};
    }
};
static_assert(complete<Limited>() && Ruled<Limited>);

TEST(Validate, GoodValueHasNoFaults) {
    EXPECT_TRUE(validate(Limited{
                             .limit = 5,
                             .elements = {{"a", 1}, {"b", 9}},
                             .names = {"x", "y"},
                             .labels = {{"k", "v"}},
                             .open_ended = 5})
                    .empty());
}

TEST(Validate, EachBreachHasItsPath) {
    const Limited bad{
        .limit = 6,
        .elements = {{"", 0}, {"toolong", 1}, {"a_b", 1}},
        .names = {"x", "x", "\u00e4\u00e4\u00e4", "\u00e4\u00e4\u00e4\u00e4"},
        .labels = {{"k", "long"}, {"l", ""}},
        .open_ended = -1,
    };
    const std::vector<Error> expected{
        {"spec.limit", "must be between 2 and 5, not 6"},
        {"spec.elements", "must have between 0 and 2 entries; it has 3"},
        {"spec.names", "must have between 0 and 3 entries; it has 4"},
        {"spec.labels", "must have between 0 and 1 entries; it has 2"},
        {"spec.openEnded", "must be at least 0, not -1"},
    };
    EXPECT_EQ(validate(bad, "spec"), expected);
}

TEST(Validate, ElementsAreCheckedOneByOne) {
    const std::vector<Error> expected{
        {"elements[0].name", "must have between 1 and 4 characters; it is empty"},
        {"elements[0].size", "must be between 1 and 9, not 0"},
        {"elements[1].name",
         "must be lower-case letters, digits, dashes and dots, beginning and ending with a letter "
         "or digit; not the text \"a_b\""},
        {"names[1]", "is listed twice: the text \"x\"; remove one"},
        {"names[2]", "must have between 0 and 3 characters; it has 4"},
        {"labels[k]", "must have between 0 and 3 characters; it has 4"},
    };
    EXPECT_EQ(
        validate(Limited{
            .limit = {},
            .elements = {{"", 0}, {"a_b", 1}},
            .names = {"x", "x", "\u00e4\u00e4\u00e4\u00e4"},
            .labels = {{"k", "long"}},
            .open_ended = 0}),
        expected
    );
}

TEST(Validate, RuleBlamesItsField) {
    const std::vector<Error> expected{{"openEnded", "must not be above limit"}};
    EXPECT_EQ(
        validate(Limited{.limit = 2, .elements = {}, .names = {}, .labels = {}, .open_ended = 3}),
        expected
    );
}

}  // namespace
}  // namespace penstock::api
