// The first half of decoding: a document's values are put into a described struct's members as far
// as their kinds allow. Bounds and rules come after, on the struct (validate.hpp); decode.hpp does
// both.
#pragma once

#include "crds/api/document.hpp"
#include "crds/api/faults.hpp"
#include "crds/api/field.hpp"

#include <limits>
#include <span>

namespace penstock::api {

// What is made of a key that no field has.
enum class UnknownKeys : std::uint8_t {
    Refuse,  // an error: a misspelt field must not be lost in silence
    Warn,    // a warning
    Ignore,  // another version of the other program knows it
};

namespace shape {

// Each adds a fault and gives nothing when the value is of another kind or does not fit.
std::optional<bool> as_bool(const Document& value, const std::string& path, Faults& faults);
std::optional<std::string> as_text(const Document& value, const std::string& path, Faults& faults);
std::optional<std::int64_t> as_integer(
    const Document& value, Span fits, const std::string& path, Faults& faults
);
std::optional<std::uint64_t> as_unsigned(
    const Document& value, const std::string& path, Faults& faults
);
// The index of the name that `value` is.
std::optional<std::size_t> as_one_of(
    const Document& value,
    std::span<const std::string_view> names,
    const std::string& path,
    Faults& faults
);
bool is_object(const Document& value, const std::string& path, Faults& faults);
bool is_list(const Document& value, const std::string& path, Faults& faults);
void check_keys(
    const Document& object,
    std::span<const std::string_view> known,
    UnknownKeys unknown,
    const std::string& path,
    Faults& faults
);
// The member of `object`, or null if it is absent or null.
const Document* find(const Document& object, std::string_view key);

template <class T>
void read(
    const Document& value, const std::string& path, UnknownKeys unknown, Faults& faults, T& into
);

template <Described S>
void read_struct(
    const Document& value, const std::string& path, UnknownKeys unknown, Faults& faults, S& into
) {
    if (!is_object(value, path, faults)) return;
    static constexpr auto keys = std::apply(
        [](const auto&... each) {
            return std::array<std::string_view, sizeof...(each)>{each.key...};
        },
        S::fields()
    );
    check_keys(value, keys, unknown, path, faults);
    for_each_field<S>([&](const auto& field) {
        const std::string member_path = child_path(path, field.key);
        if (const Document* member = find(value, field.key)) {
            read(*member, member_path, unknown, faults, into.*field.member);
        } else if (field.constraints.required) {
            faults.add(member_path, "is required. " + std::string{field.text});
        }
    });
}

template <NamedEnum E>
void read_enum(const Document& value, const std::string& path, Faults& faults, E& into) {
    static constexpr auto choices = enumerators(E{});
    std::array<std::string_view, choices.size()> names;
    for (std::size_t i = 0; i < choices.size(); ++i) names[i] = choices[i].name;
    if (const auto index = as_one_of(value, names, path, faults)) into = choices[*index].value;
}

template <class T>
void read(
    const Document& value, const std::string& path, UnknownKeys unknown, Faults& faults, T& into
) {
    if constexpr (Described<T>) {
        read_struct(value, path, unknown, faults, into);
    } else if constexpr (OptionalField<T>) {
        read(value, path, unknown, faults, into.emplace());
    } else if constexpr (ListField<T>) {
        if (!is_list(value, path, faults)) return;
        into.clear();
        for (const Document& element : value) {
            const std::size_t index = into.size();
            read(element, element_path(path, index), unknown, faults, into.emplace_back());
        }
    } else if constexpr (MapField<T>) {
        if (!is_object(value, path, faults)) return;
        into.clear();
        for (const auto& [key, element] : value.items()) {
            read(element, entry_path(path, key), unknown, faults, into[key]);
        }
    } else if constexpr (NamedEnum<T>) {
        read_enum(value, path, faults, into);
    } else if constexpr (std::same_as<T, bool>) {
        if (const auto read_value = as_bool(value, path, faults)) into = *read_value;
    } else if constexpr (std::same_as<T, std::string>) {
        if (auto read_value = as_text(value, path, faults)) into = std::move(*read_value);
    } else if constexpr (std::same_as<T, std::uint64_t>) {
        if (const auto read_value = as_unsigned(value, path, faults)) into = *read_value;
    } else {
        static_assert(IntegerField<T> && std::is_signed_v<T>);
        constexpr Span fits{std::numeric_limits<T>::min(), std::numeric_limits<T>::max()};
        if (const auto read_value = as_integer(value, fits, path, faults))
            into = static_cast<T>(*read_value);
    }
}

}  // namespace shape
}  // namespace penstock::api
