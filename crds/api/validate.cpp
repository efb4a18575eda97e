#include "crds/api/validate.hpp"

#include <algorithm>

namespace penstock::api::bounds {
namespace {

std::string between(Span span) {
    if (span.max == INT64_MAX) return "at least " + std::to_string(span.min);
    return "between " + std::to_string(span.min) + " and " + std::to_string(span.max);
}

bool is_outside(std::int64_t value, Span span) { return value < span.min || value > span.max; }

// Unicode characters of a UTF-8 text.
std::int64_t characters(std::string_view text) {
    return std::count_if(text.begin(), text.end(), [](char c) {
        return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
    });
}

}  // namespace

void check_number(
    std::int64_t value, const Constraints& constraints, const std::string& path, Faults& faults
) {
    if (constraints.range && is_outside(value, *constraints.range)) {
        faults.add(
            path, "must be " + between(*constraints.range) + ", not " + std::to_string(value)
        );
    }
}

void check_text(
    std::string_view value, const Constraints& constraints, const std::string& path, Faults& faults
) {
    if (constraints.length && is_outside(characters(value), *constraints.length)) {
        const std::string has =
            value.empty() ? "it is empty" : "it has " + std::to_string(characters(value));
        faults.add(path, "must have " + between(*constraints.length) + " characters; " + has);
        return;
    }
    if (constraints.pattern.exists() && !constraints.pattern.matches(value)) {
        faults.add(
            path,
            "must be " + std::string{constraints.pattern.words} + "; not " +
                describe(Document(value))
        );
    }
}

void check_count(
    std::size_t count, const Constraints& constraints, const std::string& path, Faults& faults
) {
    if (constraints.items && is_outside(static_cast<std::int64_t>(count), *constraints.items)) {
        faults.add(
            path,
            "must have " + between(*constraints.items) + " entries; it has " + std::to_string(count)
        );
    }
}

void add_duplicate(std::string_view value, const std::string& path, Faults& faults) {
    faults.add(path, "is listed twice: " + describe(Document(value)) + "; remove one");
}

}  // namespace penstock::api::bounds
