// The digests that authentication needs, over OpenSSL. Pure functions of their arguments; any
// thread. Nothing here draws random numbers: salts and nonces come from the caller.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace penstock::wire {

inline constexpr std::size_t sha_256_bytes = 32;

std::string sha_256(std::string_view data);
std::string hmac_sha_256(std::string_view key, std::string_view data);

// RFC 8018 PBKDF2 with HMAC-SHA-256: `Hi` of RFC 5802. Costs about 0.3 ms per 1,000 iterations.
// Requires: iterations > 0.
std::string pbkdf2_sha_256(std::string_view password, std::string_view salt, int iterations);

// 32 lower-case hexadecimal digits; empty where OpenSSL refuses MD5 (FIPS mode).
std::string md5_hex(std::string_view data);

// Time depends on the lengths only, never on the content.
bool equal_in_constant_time(std::string_view left, std::string_view right);

std::string to_base64(std::string_view bytes);
// Nothing but canonical base64 with its padding: no spaces, no line ends, no stray bits.
std::optional<std::string> from_base64(std::string_view text);

}  // namespace penstock::wire
