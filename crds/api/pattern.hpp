// The shapes a text field may be required to have: the regular expression for the schema, and the
// same test in C++ (no regular expressions at run time). A pattern's test is only asked about texts
// within the field's length bounds.
#pragma once

#include <string_view>

namespace penstock::api {

struct Pattern {
    std::string_view regex;  // RE2, for OpenAPI
    bool (*matches)(std::string_view) = nullptr;
    std::string_view words;  // completes "must be ..."

    constexpr bool exists() const { return matches != nullptr; }
};

namespace patterns {

constexpr bool is_lower_or_digit(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}
constexpr bool is_letter_or_digit(char c) { return is_lower_or_digit(c) || (c >= 'A' && c <= 'Z'); }

// Labels separated by dots; a label begins and ends with a letter or digit and may have dashes
// within.
constexpr bool is_dns_subdomain(std::string_view text) {
    char before = '.';
    for (char c : text) {
        if (c == '.' || c == '-') {
            if (before == '.' || (c == '.' && before == '-')) return false;
        } else if (!is_lower_or_digit(c)) {
            return false;
        }
        before = c;
    }
    return is_lower_or_digit(before);
}

// One label of a name in DNS that begins with a letter (DNS-1035), as names of Services are.
constexpr bool is_dns_label(std::string_view text) {
    return is_dns_subdomain(text) && text[0] >= 'a' && text[0] <= 'z' &&
           text.find('.') == std::string_view::npos;
}

// A host name, an IPv4 or IPv6 address, or an absolute directory with a Unix socket: what libpq
// takes as host.
constexpr bool is_host(std::string_view text) {
    if (text.empty()) return false;
    for (char c : text) {
        if (!is_letter_or_digit(c) && c != '.' && c != '-' && c != '_' && c != ':' && c != '/')
            return false;
    }
    return true;
}

// A key of a Secret: it becomes a file's name.
constexpr bool is_secret_key(std::string_view text) {
    if (text.empty() || text.starts_with("..") || text == ".") return false;
    for (char c : text) {
        if (!is_letter_or_digit(c) && c != '.' && c != '-' && c != '_') return false;
    }
    return true;
}

constexpr bool is_camel_case(std::string_view text) {
    if (text.empty() || !(text[0] >= 'A' && text[0] <= 'Z')) return false;
    for (char c : text) {
        if (!is_letter_or_digit(c)) return false;
    }
    return true;
}

constexpr bool is_namespaced_name(std::string_view text) {
    const auto slash = text.find('/');
    return slash != std::string_view::npos && is_dns_subdomain(text.substr(0, slash)) &&
           is_dns_subdomain(text.substr(slash + 1));
}

inline constexpr Pattern dns_subdomain{
    "^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$",
    is_dns_subdomain,
    "lower-case letters, digits, dashes and dots, beginning and ending with a letter or digit"};
inline constexpr Pattern dns_label{
    "^[a-z]([-a-z0-9]*[a-z0-9])?$",
    is_dns_label,
    "lower-case letters, digits and dashes, beginning with a letter and not ending with a dash"};
inline constexpr Pattern host{
    "^[-A-Za-z0-9._:/]+$", is_host, "a host name, an IP address or the directory of a Unix socket"};
inline constexpr Pattern secret_key{
    "^[-A-Za-z0-9_]*\\.?[-A-Za-z0-9_][-A-Za-z0-9._]*$",
    is_secret_key,
    "a key of a Secret: letters, digits, dashes, underscores and dots"};
inline constexpr Pattern camel_case{"^[A-Z][A-Za-z0-9]*$", is_camel_case, "one CamelCase word"};
inline constexpr Pattern namespaced_name{
    "^[-a-z0-9.]+/[-a-z0-9.]+$",
    is_namespaced_name,
    "a namespace and a name with a slash between: \"shop/main\""};

}  // namespace patterns
}  // namespace penstock::api
