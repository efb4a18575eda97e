#include "crds/api/definition.hpp"

#include "crds/api/pool_name.hpp"

#include <gtest/gtest.h>

namespace penstock::api {
namespace {

const Document& served(const Document& definition) { return definition["spec"]["versions"].at(0); }
const Document& root(const Document& definition) {
    return served(definition)["schema"]["openAPIV3Schema"];
}

// Adds a line for each thing that Kubernetes or its conventions ask of a schema and this one lacks.
void find_gaps(const Document& schema, const std::string& path, std::string& gaps) {
    const auto gap = [&](const std::string& text) { gaps += path + ": " + text + "\n"; };
    const std::string type = schema.value("type", "");
    if (type == "integer") {
        if (!schema.contains("minimum") || !schema.contains("maximum"))
            gap("number without both bounds");
        if (!schema.contains("format")) gap("number without format");
        if (schema.contains("default") &&
            (schema["default"] < schema["minimum"] || schema["default"] > schema["maximum"])) {
            gap("default out of bounds");
        }
    } else if (type == "string") {
        if (!schema.contains("enum") && !schema.contains("maxLength")) gap("text without length");
    } else if (type == "boolean") {
    } else if (type == "array") {
        if (!schema.contains("maxItems")) gap("list without length");
        if (!schema.contains("x-kubernetes-list-type")) gap("list without list type");
        if (schema.value("x-kubernetes-list-type", "") == "map") {
            for (const Document& key : schema["x-kubernetes-list-map-keys"]) {
                const Document required = schema["items"].value("required", Document::array());
                if (std::find(required.begin(), required.end(), key) == required.end())
                    gap("optional map key");
            }
        }
        find_gaps(schema["items"], path + "[]", gaps);
    } else if (type == "object") {
        if (schema.contains("additionalProperties")) {
            if (!schema.contains("maxProperties")) gap("map without size");
            find_gaps(schema["additionalProperties"], path + "{}", gaps);
        } else if (!schema.contains("properties")) {
            gap("object without properties");
        } else {
            for (const auto& [key, property] : schema["properties"].items()) {
                const std::string member = path + "." + key;
                if (property.value("description", "").empty())
                    gaps += member + ": no description\n";
                if (property.value("type", "") == "object" && key.ends_with("Seconds"))
                    gaps += member + ": not a number\n";
                find_gaps(property, member, gaps);
            }
            for (const Document& rule :
                 schema.value("x-kubernetes-validations", Document::array())) {
                const std::string field = rule["fieldPath"].get<std::string>().substr(1);
                if (!schema["properties"].contains(field))
                    gap("rule blames unknown field " + field);
            }
        }
    } else {
        gap("type \"" + type + "\"");
    }
}

TEST(Definition, NothingIsUnbounded) {
    std::string gaps;
    for (const Document& definition : {connection_pool_definition(), backpressure_definition()}) {
        for (const char* half : {"spec", "status"})
            find_gaps(root(definition)["properties"][half], half, gaps);
    }
    EXPECT_EQ(gaps, "");
}

TEST(Definition, GapsAreFound) {
    std::string gaps;
    find_gaps(
        Document::parse(R"({"type": "object", "properties": {
            "a": {"type": "integer", "description": "x"}, "b": {"type": "string", "description": "x"},
            "c": {"type": "number", "description": "x"}, "d": {"type": "boolean"}}})"),
        "",
        gaps
    );
    EXPECT_EQ(std::count(gaps.begin(), gaps.end(), '\n'), 5);
}

TEST(Definition, NamesAndSubresources) {
    const Document pool = connection_pool_definition();
    EXPECT_EQ(pool["metadata"]["name"], "connectionpools.penstock.dev");
    EXPECT_EQ(pool["spec"]["names"]["shortNames"], Document::array({"cpool"}));
    EXPECT_EQ(pool["spec"]["names"]["categories"], Document::array({"penstock"}));
    EXPECT_EQ(served(pool)["subresources"]["scale"]["labelSelectorPath"], ".status.selector");
    EXPECT_TRUE(served(pool)["subresources"].contains("status"));
    const Document policy = backpressure_definition();
    EXPECT_EQ(policy["metadata"]["name"], "backpressures.penstock.dev");
    EXPECT_EQ(policy["spec"]["names"]["shortNames"], Document::array({"bpres"}));
    EXPECT_FALSE(served(policy)["subresources"].contains("scale"));
}

TEST(Definition, ResourceThatNobodySawIsNotFinished) {
    const Document definition = connection_pool_definition();
    const Document& status = root(definition)["properties"]["status"];
    EXPECT_EQ(status["default"], Document({{"observedGeneration", -1}}));
    EXPECT_EQ(root(definition)["properties"]["spec"]["properties"]["replicas"]["default"], 2);
}

TEST(Definition, PoolNameIsRuledByTheApiServer) {
    const Document definition = connection_pool_definition();
    const Document& rules = root(definition)["x-kubernetes-validations"];
    ASSERT_EQ(rules.size(), 1U);
    EXPECT_EQ(rules[0]["fieldPath"], ".metadata.name");
    const std::string cel = rules[0]["rule"].get<std::string>();
    EXPECT_NE(cel.find(patterns::dns_label.regex), std::string::npos);
    EXPECT_NE(cel.find("<= " + std::to_string(longest_pool_name)), std::string::npos);
    EXPECT_FALSE(root(backpressure_definition()).contains("x-kubernetes-validations"));
}

TEST(Definition, FitsIntoAnAnnotationOfClientSideApply) {
    EXPECT_LT(to_json_text(connection_pool_definition()).size(), 128U * 1024U);
    EXPECT_LT(to_json_text(backpressure_definition()).size(), 128U * 1024U);
}

}  // namespace
}  // namespace penstock::api
