// PostgreSQL's md5 password method, both sides. Pure; any thread.
// Every function returns the empty string where OpenSSL refuses MD5 (FIPS mode); that matches
// nothing.
#pragma once

#include <string>
#include <string_view>

namespace penstock::wire {

// "md5" and 32 lower-case hexadecimal digits: how PostgreSQL stores such a password.
bool is_md5_secret(std::string_view text);

// What PostgreSQL stores for this user: "md5" + md5(password + user).
std::string md5_secret(std::string_view password, std::string_view user);

// What a client answers to AuthenticationMD5Password: "md5" + md5(digits of the secret + salt).
// Requires: is_md5_secret(secret) or an empty secret.
std::string md5_response(std::string_view secret, std::string_view salt);

}  // namespace penstock::wire
