#include "crds/api/schema.hpp"

#include <algorithm>
#include <cstdint>

namespace penstock::api::openapi {

// The API server keeps bounds as floating-point numbers: a larger one would turn into another.
constexpr std::int64_t exact_max = (std::int64_t{1} << 53) - 1;

Document integer(const Constraints& constraints, bool is_wide) {
    Document schema{{"type", "integer"}, {"format", is_wide ? "int64" : "int32"}};
    if (constraints.range) {
        schema.emplace("minimum", constraints.range->min);
        schema.emplace("maximum", std::min<std::int64_t>(constraints.range->max, exact_max));
    }
    return schema;
}

Document text(const Constraints& constraints) {
    Document schema{{"type", "string"}};
    if (!constraints.format.empty()) schema.emplace("format", constraints.format);
    if (constraints.length) {
        if (constraints.length->min > 0) schema.emplace("minLength", constraints.length->min);
        schema.emplace("maxLength", constraints.length->max);
    }
    if (constraints.pattern.exists()) schema.emplace("pattern", constraints.pattern.regex);
    return schema;
}

void add_items(Document& list, Document element, const Constraints& constraints) {
    if (constraints.items) {
        if (constraints.items->min > 0) list.emplace("minItems", constraints.items->min);
        list.emplace("maxItems", constraints.items->max);
    }
    switch (constraints.list_type) {
        case ListType::Atomic:
            list.emplace("x-kubernetes-list-type", "atomic");
            break;
        case ListType::Set:
            list.emplace("x-kubernetes-list-type", "set");
            break;
        case ListType::Map:
            list.emplace("x-kubernetes-list-type", "map");
            list.emplace("x-kubernetes-list-map-keys", Document::array({constraints.list_key}));
            break;
    }
    list.emplace("items", std::move(element));
}

void add_entries(Document& map, Document element, const Constraints& constraints) {
    if (constraints.items) {
        if (constraints.items->min > 0) map.emplace("minProperties", constraints.items->min);
        map.emplace("maxProperties", constraints.items->max);
    }
    map.emplace("additionalProperties", std::move(element));
}

void add_rule(
    Document& object,
    std::string_view cel,
    std::string_view message,
    std::string_view key,
    bool is_transition
) {
    Document rule = Document::object();
    rule.emplace("rule", cel);
    rule.emplace("message", message);
    rule.emplace("fieldPath", "." + std::string{key});
    rule.emplace("reason", is_transition ? "FieldValueForbidden" : "FieldValueInvalid");
    object["x-kubernetes-validations"].push_back(std::move(rule));
}

std::string unchanged(std::string_view key, bool is_optional) {
    const std::string name{key};
    const std::string same = "self." + name + " == oldSelf." + name;
    if (!is_optional) return same;
    return "has(self." + name + ") == has(oldSelf." + name + ") && (!has(self." + name + ") || " +
           same + ")";
}

}  // namespace penstock::api::openapi
