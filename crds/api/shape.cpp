#include "crds/api/shape.hpp"

#include <algorithm>

namespace penstock::api::shape {
namespace {

std::string listed(std::span<const std::string_view> names) {
    std::string all;
    for (const std::string_view name : names) {
        if (!all.empty()) all += ", ";
        all += name;
    }
    return all;
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// Edits (one character more, less or other) between two words, letter case aside. Both are short.
std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    for (std::size_t j = 0; j < row.size(); ++j) row[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        std::size_t diagonal = row[0];
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t change = diagonal + (lower(a[i - 1]) == lower(b[j - 1]) ? 0U : 1U);
            diagonal = row[j];
            row[j] = std::min({row[j] + 1, row[j - 1] + 1, change});
        }
    }
    return row.back();
}

// `; did you mean "x"?` if one of the names is near, else nothing.
std::string suggestion(std::string_view word, std::span<const std::string_view> names) {
    if (word.size() > 64) return "";
    std::string_view best;
    std::size_t best_distance = std::max<std::size_t>(2, word.size() / 3) + 1;
    for (const std::string_view name : names) {
        const std::size_t edits = distance(word, name);
        if (edits < best_distance) {
            best = name;
            best_distance = edits;
        }
    }
    return best.empty() ? "" : "; did you mean \"" + std::string{best} + "\"?";
}

}  // namespace

std::optional<bool> as_bool(const Document& value, const std::string& path, Faults& faults) {
    if (value.is_boolean()) return value.get<bool>();
    faults.add(path, "must be true or false, not " + describe(value));
    return std::nullopt;
}

std::optional<std::string> as_text(const Document& value, const std::string& path, Faults& faults) {
    if (value.is_string()) return value.get<std::string>();
    const bool is_scalar = value.is_number() || value.is_boolean();
    faults.add(
        path, "must be a text, not " + describe(value) + (is_scalar ? "; put it in quotes" : "")
    );
    return std::nullopt;
}

std::optional<std::int64_t> as_integer(
    const Document& value, Span fits, const std::string& path, Faults& faults
) {
    if (!value.is_number_integer()) {
        faults.add(path, "must be a whole number without quotes, not " + describe(value));
        return std::nullopt;
    }
    const bool too_large = value.is_number_unsigned() && value.get<std::uint64_t>() > INT64_MAX;
    const std::int64_t number = too_large ? INT64_MAX : value.get<std::int64_t>();
    if (too_large || number < fits.min || number > fits.max) {
        faults.add(
            path,
            "must be between " + std::to_string(fits.min) + " and " + std::to_string(fits.max) +
                ", not " + describe(value)
        );
        return std::nullopt;
    }
    return number;
}

std::optional<std::uint64_t> as_unsigned(
    const Document& value, const std::string& path, Faults& faults
) {
    if (value.is_number_unsigned()) return value.get<std::uint64_t>();
    if (value.is_number_integer() && value.get<std::int64_t>() >= 0) {
        return static_cast<std::uint64_t>(value.get<std::int64_t>());
    }
    faults.add(path, "must be a whole number from 0 up without quotes, not " + describe(value));
    return std::nullopt;
}

std::optional<std::size_t> as_one_of(
    const Document& value,
    std::span<const std::string_view> names,
    const std::string& path,
    Faults& faults
) {
    if (value.is_string()) {
        const std::string& text = value.get_ref<const std::string&>();
        const auto found = std::ranges::find(names, std::string_view{text});
        if (found != names.end()) return static_cast<std::size_t>(found - names.begin());
        faults.add(
            path,
            "must be one of " + listed(names) + ", not " + describe(value) + suggestion(text, names)
        );
    } else {
        faults.add(path, "must be one of " + listed(names) + ", not " + describe(value));
    }
    return std::nullopt;
}

bool is_object(const Document& value, const std::string& path, Faults& faults) {
    if (value.is_object()) return true;
    faults.add(path, "must be an object with fields, not " + describe(value));
    return false;
}

bool is_list(const Document& value, const std::string& path, Faults& faults) {
    if (value.is_array()) return true;
    faults.add(path, "must be a list, not " + describe(value));
    return false;
}

void check_keys(
    const Document& object,
    std::span<const std::string_view> known,
    UnknownKeys unknown,
    const std::string& path,
    Faults& faults
) {
    if (unknown == UnknownKeys::Ignore) return;
    for (const auto& [key, value] : object.items()) {
        if (std::ranges::find(known, std::string_view{key}) != known.end()) continue;
        const std::string near = suggestion(key, known);
        std::string text =
            "is not a field" + (near.empty() ? "; known are " + listed(known) : near);
        if (unknown == UnknownKeys::Refuse) {
            faults.add(child_path(path, key), std::move(text));
        } else {
            faults.warn(child_path(path, key), std::move(text));
        }
    }
}

const Document* find(const Document& object, std::string_view key) {
    for (const auto& [name, value] : object.items()) {
        if (name == key) return value.is_null() ? nullptr : &value;
    }
    return nullptr;
}

}  // namespace penstock::api::shape
