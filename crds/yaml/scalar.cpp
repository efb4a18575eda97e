#include "crds/yaml/scalar.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>

namespace penstock::yaml {
namespace {

using api::Document;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Texts that YAML 1.1 takes for booleans, in lower case.
bool is_old_boolean(std::string_view text) {
    constexpr std::array<std::string_view, 6> words{"yes", "no", "on", "off", "y", "n"};
    std::string lower{text.substr(0, 4)};
    for (char& c : lower) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return text.size() <= 3 && std::ranges::find(words, std::string_view{lower}) != words.end();
}

template <class Number>
std::optional<Number> whole(std::string_view digits, int base) {
    Number number{};
    const auto [end, fault] =
        std::from_chars(digits.data(), digits.data() + digits.size(), number, base);
    if (fault != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
    return number;
}

// [-+]digits without needless leading zeros, or 0x and 0o forms.
std::optional<Document> integer(std::string_view text) {
    if (text.starts_with("0x") || text.starts_with("0o")) {
        if (const auto number = whole<std::uint64_t>(text.substr(2), text[1] == 'x' ? 16 : 8))
            return Document(*number);
        return std::nullopt;
    }
    const std::string_view unsigned_part =
        text.substr(text.starts_with('-') || text.starts_with('+') ? 1 : 0);
    if (unsigned_part.empty() || !std::ranges::all_of(unsigned_part, is_digit)) return std::nullopt;
    if (unsigned_part.size() > 1 && unsigned_part[0] == '0') return std::nullopt;
    if (text.starts_with('-')) {
        if (const auto number = whole<std::int64_t>(text, 10)) return Document(*number);
    } else if (const auto number = whole<std::uint64_t>(unsigned_part, 10)) {
        return Document(*number);
    }
    return std::nullopt;
}

// [-+]digits[.digits][e[-+]digits] with a point or an exponent.
std::optional<Document> fraction(std::string_view text) {
    const std::string_view unsigned_part =
        text.substr(text.starts_with('-') || text.starts_with('+') ? 1 : 0);
    if (unsigned_part.empty() || !(is_digit(unsigned_part[0]) || unsigned_part[0] == '.'))
        return std::nullopt;
    if (unsigned_part.find_first_of(".eE") == std::string_view::npos) return std::nullopt;
    const std::string_view digits = text.starts_with('+') ? unsigned_part : text;
    double number = 0;
    const auto [end, fault] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (fault != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
    return Document(number);
}

}  // namespace

Document plain_scalar(std::string_view text) {
    if (text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL")
        return nullptr;
    if (text == "true" || text == "True" || text == "TRUE") return true;
    if (text == "false" || text == "False" || text == "FALSE") return false;
    if (auto number = integer(text)) return std::move(*number);
    if (auto number = fraction(text)) return std::move(*number);
    return text;
}

bool needs_quotes(std::string_view text) {
    if (!plain_scalar(text).is_string() || is_old_boolean(text)) return true;
    // Dates, sexagesimal numbers, .inf, 0123 and their like in other readers.
    return is_digit(text[0]) || text[0] == '.' || text[0] == '-' || text[0] == '+';
}

}  // namespace penstock::yaml
