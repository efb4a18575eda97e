// A JSON Web Token (RFC 7519) taken apart, nothing in it verified yet: identity.hpp does that.
// Values; any thread.
#pragma once

#include "crds/api/document.hpp"
#include "crds/api/result.hpp"

#include <string>
#include <string_view>

namespace penstock::http {

struct Token {
    std::string algorithm;  // "RS256"
    std::string key_id;     // empty: not said
    api::Document claims;   // a mapping
    std::string signed_part;
    std::string signature;  // bytes
};

api::Result<Token> parse_token(std::string_view text);

// RFC 4648, section 5, without padding. Fails on anything else, also on bits that must be 0.
api::Result<std::string> decode_base64url(std::string_view text);
std::string encode_base64url(std::string_view bytes);

}  // namespace penstock::http
