#include "crds/api/schema.hpp"

#include "crds/api/backpressure.hpp"
#include "crds/api/connection_pool.hpp"

#include <gtest/gtest.h>

namespace penstock::api {
namespace {

struct Part {
    std::optional<std::string> fixed;
    std::string name = "x";
    bool flag = true;

    static constexpr auto fields() {
        using S = Part;
        return std::tuple{
            field(&S::fixed, "fixed", "Never changes.", Change::Immutable, length(1, 5)),
            field(&S::name, "name", "A name.", length(0, 5), patterns::camel_case),
            field(&S::flag, "flag", "A flag."),
        };
    }
};

struct Whole {
    Part part;
    Part needed;
    std::map<std::string, std::int64_t> counts;

    static constexpr auto fields() {
        using S = Whole;
        return std::tuple{
            field(&S::part, "part", "A part."),
            field(&S::needed, "needed", "A part that must be given.", required),
            field(&S::counts, "counts", "Counts.", items(1, 9), range(0, 7)),
        };
    }
};

TEST(Schema, HasTypesBoundsAndDefaults) {
    const Document whole = schema<Whole>(Defaults::Shown);
    EXPECT_EQ(whole["type"], "object");
    EXPECT_EQ(whole["required"], Document::array({"needed"}));
    EXPECT_EQ(whole["properties"]["part"]["default"], Document::object());
    EXPECT_FALSE(whole["properties"]["needed"].contains("default"));
    const Document& name = whole["properties"]["part"]["properties"]["name"];
    EXPECT_EQ(
        to_json_text(name),
        R"({"description":"A name.","type":"string","maxLength":5,"pattern":"^[A-Z][A-Za-z0-9]*$","default":"x"})"
    );
    const Document& counts = whole["properties"]["counts"];
    EXPECT_EQ(
        to_json_text(counts),
        R"({"description":"Counts.","type":"object","minProperties":1,"maxProperties":9,"additionalProperties":{"type":"integer","format":"int64","minimum":0,"maximum":7}})"
    );
}

TEST(Schema, StatusHasNoDefaults) {
    EXPECT_EQ(to_json_text(schema<Whole>(Defaults::None)).find("default\""), std::string::npos);
}

TEST(Schema, ImmutableOptionalMayNotComeOrGo) {
    const Document part = schema<Part>(Defaults::Shown);
    const Document& rule = part["x-kubernetes-validations"].at(0);
    EXPECT_EQ(
        rule["rule"],
        "has(self.fixed) == has(oldSelf.fixed) && (!has(self.fixed) || self.fixed == oldSelf.fixed)"
    );
    EXPECT_EQ(rule["fieldPath"], ".fixed");
    EXPECT_EQ(rule["reason"], "FieldValueForbidden");
}

TEST(Schema, RulesOfSpecsAreInTheSchema) {
    const Document spec = schema<ConnectionPoolSpec>(Defaults::Shown);
    const Document& database = spec["properties"]["database"];
    EXPECT_EQ(database["x-kubernetes-validations"].at(0)["rule"], "self.host == oldSelf.host");
    EXPECT_EQ(database["x-kubernetes-validations"].at(1)["rule"], "self.port == oldSelf.port");
    EXPECT_EQ(spec["properties"]["sizing"]["x-kubernetes-validations"].size(), 2U);
}

}  // namespace
}  // namespace penstock::api
