#include "dataplane/wire/md5.hpp"

#include "dataplane/wire/digest.hpp"

namespace penstock::wire {
namespace {

constexpr std::string_view prefix = "md5";
constexpr std::size_t hex_digits = 32;

std::string prefixed_md5(std::string_view front, std::string_view back) {
    const std::string digits = md5_hex(std::string{front} + std::string{back});
    return digits.empty() ? digits : std::string{prefix} + digits;
}

}  // namespace

bool is_md5_secret(std::string_view text) {
    return text.size() == prefix.size() + hex_digits && text.starts_with(prefix) &&
           text.find_first_not_of("0123456789abcdef", prefix.size()) == std::string_view::npos;
}

std::string md5_secret(std::string_view password, std::string_view user) {
    return prefixed_md5(password, user);
}

std::string md5_response(std::string_view secret, std::string_view salt) {
    if (!is_md5_secret(secret)) return {};
    return prefixed_md5(secret.substr(prefix.size()), salt);
}

}  // namespace penstock::wire
