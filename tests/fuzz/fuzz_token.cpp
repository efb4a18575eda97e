#include "crds/api/check.hpp"
#include "operator/http/token.hpp"

using namespace penstock;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (const auto bytes = http::decode_base64url(text)) {
        CHECK(http::encode_base64url(*bytes) == text);
    }
    CHECK(http::decode_base64url(http::encode_base64url(text)).value() == text);
    const auto token = http::parse_token(text);
    if (!token) {
        CHECK(!token.error().text.empty());
        return 0;
    }
    CHECK(token->claims.is_object());
    CHECK(text.starts_with(token->signed_part + "."));
    return 0;
}
