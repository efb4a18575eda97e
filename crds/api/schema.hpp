// Described struct to structural OpenAPI v3 schema, as a CustomResourceDefinition takes it: kinds,
// bounds, defaults, descriptions, list types, and CEL rules (those of rules() and one for each
// immutable field).
#pragma once

#include "crds/api/encode.hpp"
#include "crds/api/rules.hpp"

namespace penstock::api {

// Defaults belong in a spec. In a status, absent means not known.
enum class Defaults : std::uint8_t { Shown, None };

namespace openapi {

Document integer(const Constraints& constraints, bool is_wide);
Document text(const Constraints& constraints);
void add_items(Document& list, Document element, const Constraints& constraints);
void add_entries(Document& map, Document element, const Constraints& constraints);
void add_rule(
    Document& object,
    std::string_view cel,
    std::string_view message,
    std::string_view key,
    bool is_transition
);
// The CEL text that keeps field `key` of self as it was.
std::string unchanged(std::string_view key, bool is_optional);

template <Described S>
Document object(Defaults defaults);

// Whether an absent object of this type stands for one with all defaults.
template <Described S>
constexpr bool has_required() {
    bool found = false;
    for_each_field<S>([&](const auto& field) {
        using Member = typename std::decay_t<decltype(field)>::Type;
        found = found || field.constraints.required;
        if constexpr (Described<Member>) found = found || has_required<Member>();
    });
    return found;
}

template <class T>
Document value(const Constraints& constraints, Defaults defaults) {
    if constexpr (Described<T>) {
        return object<T>(defaults);
    } else if constexpr (OptionalField<T>) {
        return value<typename T::value_type>(constraints, defaults);
    } else if constexpr (ListField<T>) {
        Document list{{"type", "array"}};
        add_items(list, value<typename T::value_type>(constraints, defaults), constraints);
        return list;
    } else if constexpr (MapField<T>) {
        Document map{{"type", "object"}};
        add_entries(map, value<typename T::mapped_type>(constraints, defaults), constraints);
        return map;
    } else if constexpr (NamedEnum<T>) {
        Document names = Document::array();
        for (const auto& each : enumerators(T{})) names.push_back(each.name);
        return Document{{"type", "string"}, {"enum", std::move(names)}};
    } else if constexpr (std::same_as<T, bool>) {
        return Document{{"type", "boolean"}};
    } else if constexpr (std::same_as<T, std::string>) {
        return text(constraints);
    } else {
        static_assert(
            IntegerField<T> && std::is_signed_v<T>, "Kubernetes has no unsigned and no fractions"
        );
        return integer(constraints, sizeof(T) > 4);
    }
}

template <class S, class T>
void add_field(Document& into, const S& defaulted, const Field<S, T>& field, Defaults defaults) {
    Document schema = Document::object();
    schema.emplace("description", field.text);
    const Document shape = value<T>(field.constraints, defaults);
    for (const auto& [key, part] : shape.items()) schema[key] = part;
    if (defaults == Defaults::Shown && !field.constraints.required) {
        if constexpr (Described<T>) {
            static_assert(std::is_default_constructible_v<T>);
            if (!has_required<T>()) schema.emplace("default", Document::object());
        } else if constexpr (!OptionalField<T> && !ListField<T> && !MapField<T>) {
            schema.emplace("default", encode(defaulted.*field.member));
        }
    }
    into["properties"].emplace(field.key, std::move(schema));
    if (field.constraints.required) into["required"].push_back(field.key);
}

template <Described S>
Document object(Defaults defaults) {
    Document schema{{"type", "object"}, {"properties", Document::object()}};
    const S defaulted{};
    for_each_field<S>([&](const auto& field) { add_field(schema, defaulted, field, defaults); });
    if constexpr (Ruled<S>) {
        for (const auto& rule : S::rules())
            add_rule(schema, rule.cel, rule.message, rule.key, false);
    }
    for_each_field<S>([&](const auto& field) {
        if (field.change != Change::Immutable) return;
        constexpr bool is_optional = OptionalField<typename std::decay_t<decltype(field)>::Type>;
        add_rule(
            schema,
            unchanged(field.key, is_optional),
            "must not change; create a new resource instead",
            field.key,
            true
        );
    });
    return schema;
}

}  // namespace openapi

// Schema of one struct.
template <Described S>
Document schema(Defaults defaults) {
    return openapi::object<S>(defaults);
}

}  // namespace penstock::api
