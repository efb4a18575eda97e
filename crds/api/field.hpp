// One field, declared once: each described struct has `static constexpr auto fields()`, a tuple
// with one line per member in the members' order. Schema, decoder, encoder, bounds, diff and
// reference page are derived from it; the default is the member's initialiser.
// `static_assert(complete<S>())` after the struct keeps both in step.
#pragma once

#include "crds/api/pattern.hpp"

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace penstock::api {

// What it takes for a changed value to be in force, weakest first.
enum class Change : std::uint8_t {
    Live,            // running proxies take it at once
    NewConnections,  // connections made from now on have it; server connections made before are
                     // replaced when idle
    Restart,         // proxies are replaced one by one, each drained first
    Immutable,       // refused; the resource must be made anew
};

enum class ListType : std::uint8_t {
    Atomic,  // one owner replaces the whole list
    Set,     // each value once
    Map,     // each key once (Constraints::list_key)
};

struct Span {
    std::int64_t min = 0;
    std::int64_t max = 0;
};

// What a table line demands beyond the member's type.
struct Constraints {
    bool required = false;
    std::optional<Span> range;  // of numbers
    std::optional<Span>
        length;  // of texts, in characters; of a list's or map's elements if they are texts
    std::optional<Span> items;  // of lists and maps
    Pattern pattern;            // of texts, as length
    ListType list_type = ListType::Atomic;
    std::string_view list_key;
    std::string_view format;  // OpenAPI format of texts: "date-time"
};

namespace options {
struct Required {};
struct Range : Span {};
struct Length : Span {};
struct Items : Span {};
struct MapBy {
    std::string_view key;
};
struct AsSet {};
struct Format {
    std::string_view name;
};

constexpr void apply(Constraints& to, Required) { to.required = true; }
constexpr void apply(Constraints& to, Range option) { to.range = option; }
constexpr void apply(Constraints& to, Length option) { to.length = option; }
constexpr void apply(Constraints& to, Items option) { to.items = option; }
constexpr void apply(Constraints& to, Pattern option) { to.pattern = option; }
constexpr void apply(Constraints& to, AsSet) { to.list_type = ListType::Set; }
constexpr void apply(Constraints& to, Format option) { to.format = option.name; }
constexpr void apply(Constraints& to, MapBy option) {
    to.list_type = ListType::Map;
    to.list_key = option.key;
}
}  // namespace options

inline constexpr options::Required required{};
inline constexpr options::AsSet as_set{};
constexpr options::Range range(std::int64_t min, std::int64_t max) { return {{min, max}}; }
constexpr options::Length length(std::int64_t min, std::int64_t max) { return {{min, max}}; }
constexpr options::Items items(std::int64_t min, std::int64_t max) { return {{min, max}}; }
constexpr options::MapBy map_by(std::string_view key) { return {key}; }
constexpr options::Format format(std::string_view name) { return {name}; }

// One line of the table.
template <class S, class T>
struct Field {
    using Owner = S;
    using Type = T;

    T S::*member;
    std::string_view key;   // lowerCamelCase, as in the document
    std::string_view text;  // one or two sentences for the schema and the reference page
    Change change = Change::Live;
    Constraints constraints;
};

template <class S, class T, class... Options>
constexpr Field<S, T> field(
    T S::*member, std::string_view key, std::string_view text, Change change, Options... given
) {
    Constraints constraints;
    (options::apply(constraints, given), ...);
    return {member, key, text, change, constraints};
}

// For members whose own fields have the class of change, and for messages, where it means nothing.
template <class S, class T, class... Options>
requires(!std::same_as<Change, Options> && ...) constexpr Field<S, T> field(
    T S::*member, std::string_view key, std::string_view text, Options... given
) {
    return field(member, key, text, Change::Live, given...);
}

// A line of a message between the programs: nobody configures it, its comment is its text.
template <class S, class T, class... Options>
constexpr Field<S, T> entry(T S::*member, std::string_view key, Options... given) {
    return field(member, key, "", Change::Live, given...);
}

template <class S>
concept Described = std::is_aggregate_v<S> && requires {
    S::fields();
};

// An enumeration in documents: `constexpr auto enumerators(E)` beside it gives an array of these,
// in order.
template <class E>
struct Enumerator {
    E value;
    std::string_view name;  // PascalCase, as in the document
};
template <class E>
Enumerator(E, const char*) -> Enumerator<E>;

template <class E>
concept NamedEnum = std::is_enum_v<E> && requires(E value) {
    enumerators(value);
};

// The enumerator's name in documents.
template <NamedEnum E>
constexpr std::string_view to_text(E value) {
    for (const auto& each : enumerators(value)) {
        if (each.value == value) return each.name;
    }
    return "?";
}

template <class T>
struct IsOptional : std::false_type {};
template <class T>
struct IsOptional<std::optional<T>> : std::true_type {};
template <class T>
struct IsList : std::false_type {};
template <class T>
struct IsList<std::vector<T>> : std::true_type {};
template <class T>
struct IsMap : std::false_type {};
template <class T>
struct IsMap<std::map<std::string, T>> : std::true_type {};

template <class T>
concept OptionalField = IsOptional<T>::value;
template <class T>
concept ListField = IsList<T>::value;
template <class T>
concept MapField = IsMap<T>::value;
template <class T>
concept IntegerField = std::integral<T> && !std::same_as<T, bool>;

// Calls visit(field) for each line of S's table, in order.
template <Described S, class Visitor>
constexpr void for_each_field(Visitor&& visit) {
    std::apply([&](const auto&... each) { (visit(each), ...); }, S::fields());
}

namespace detail {
template <class S, class... T>
concept TakesAll = requires {
    S{std::declval<T>()...};
};
template <class S, class... T>
concept TakesOneMore = requires {
    S{std::declval<T>()..., {}};
};

template <class A, class B>
constexpr bool same_member(const A& a, const B& b) {
    if constexpr (std::same_as<A, B>) {
        return a.member == b.member || a.key == b.key;
    } else {
        return a.key == b.key;
    }
}
}  // namespace detail

// Whether S's table names each member of S exactly once and in order.
template <Described S>
consteval bool complete() {
    return std::apply(
        []<class... T>(const Field<S, T>&... each) {
            const auto appearances = [&](const auto& wanted) {
                return (std::size_t{0} + ... + (detail::same_member(wanted, each) ? 1U : 0U));
            };
            return detail::TakesAll<S, T...> && !detail::TakesOneMore<S, T...> &&
                   ((appearances(each) == 1) && ...);
        },
        S::fields()
    );
}

}  // namespace penstock::api
