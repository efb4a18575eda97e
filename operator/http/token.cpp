#include "operator/http/token.hpp"

#include <array>
#include <cstdint>

namespace penstock::http {
namespace {

constexpr std::string_view alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

tl::unexpected<api::Error> fault(const std::string& text) {
    return tl::unexpected(api::Error{"token", text});
}

api::Result<api::Document> mapping_of(std::string_view part, const std::string& name) {
    const auto bytes = decode_base64url(part);
    if (!bytes) return fault(name + " is not in base64url form");
    auto document = api::parse_json(*bytes);
    if (!document) return fault(name + " is no JSON: " + document.error().text);
    if (!document->is_object()) return fault(name + " is no JSON object");
    return document;
}

std::string text_at(const api::Document& mapping, const char* key) {
    const auto found = mapping.find(key);
    return found != mapping.end() && found->is_string() ? found->get<std::string>() : "";
}

}  // namespace

api::Result<std::string> decode_base64url(std::string_view text) {
    std::string bytes;
    std::uint32_t bits = 0;
    unsigned count = 0;
    for (const char c : text) {
        const std::size_t value = alphabet.find(c);
        if (value == std::string_view::npos) return fault("has a character that base64url has not");
        bits = (bits << 6U) | static_cast<std::uint32_t>(value);
        count += 6;
        if (count < 8) continue;
        count -= 8;
        bytes += static_cast<char>((bits >> count) & 0xffU);
        bits &= (1U << count) - 1;
    }
    if (count >= 6 || bits != 0) return fault("ends in the middle of a byte");
    return bytes;
}

std::string encode_base64url(std::string_view bytes) {
    std::string text;
    std::uint32_t bits = 0;
    unsigned count = 0;
    for (const char c : bytes) {
        bits = (bits << 8U) | static_cast<unsigned char>(c);
        count += 8;
        while (count >= 6) {
            count -= 6;
            text += alphabet[(bits >> count) & 63U];
        }
        bits &= (1U << count) - 1;
    }
    if (count > 0) text += alphabet[(bits << (6 - count)) & 63U];
    return text;
}

api::Result<Token> parse_token(std::string_view text) {
    const std::size_t first = text.find('.');
    const std::size_t second = first == std::string_view::npos ? first : text.find('.', first + 1);
    if (second == std::string_view::npos || text.find('.', second + 1) != std::string_view::npos) {
        return fault("must be three parts with dots between them");
    }
    const auto header = mapping_of(text.substr(0, first), "its header");
    if (!header) return tl::unexpected(header.error());
    // What a critical extension means nobody has told us (RFC 7515, 4.1.11).
    if (header->contains("crit")) return fault("has an extension that is critical");
    auto claims = mapping_of(text.substr(first + 1, second - first - 1), "its claims");
    if (!claims) return tl::unexpected(claims.error());
    auto signature = decode_base64url(text.substr(second + 1));
    if (!signature) return fault("its signature is not in base64url form");
    return Token{
        text_at(*header, "alg"),
        text_at(*header, "kid"),
        *std::move(claims),
        std::string(text.substr(0, second)),
        *std::move(signature)};
}

}  // namespace penstock::http
