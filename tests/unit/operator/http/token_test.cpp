#include "operator/http/token.hpp"

#include <gmock/gmock.h>

namespace penstock::http {
namespace {

using ::testing::HasSubstr;

TEST(Token, Base64urlBothWays) {
    for (const char* text : {"", "f", "fo", "foo", "foob", "\xff\xfe\xfd"}) {
        EXPECT_EQ(decode_base64url(encode_base64url(text)).value(), text);
    }
    EXPECT_EQ(encode_base64url("\xfb\xff"), "-_8");
    for (const char* wrong : {"A", "AB=", "AA==", "A+", "A/", "AB CD", "AB", "-_9"}) {
        EXPECT_FALSE(decode_base64url(wrong)) << wrong;
    }
}

TEST(Token, IsTakenApart) {
    const std::string head = encode_base64url(R"({"alg":"RS256","kid":"one"})");
    const std::string claims = encode_base64url(R"({"sub":"x"})");
    const auto token = parse_token(head + "." + claims + "." + encode_base64url("sig"));
    ASSERT_TRUE(token) << api::to_string(token.error());
    EXPECT_EQ(token->algorithm, "RS256");
    EXPECT_EQ(token->key_id, "one");
    EXPECT_EQ(token->claims["sub"], "x");
    EXPECT_EQ(token->signed_part, head + "." + claims);
    EXPECT_EQ(token->signature, "sig");
}

TEST(Token, FaultsSayWhichPart) {
    const std::string good = encode_base64url("{}");
    const std::string list = encode_base64url("[]");
    const std::string critical = encode_base64url(R"({"crit":["b64"]})");
    const std::vector<std::pair<std::string, const char*>> cases{
        {"", "three parts"},
        {good + "." + good, "three parts"},
        {good + "." + good + "." + good + "." + good, "three parts"},
        {"?." + good + ".", "its header is not in base64url"},
        {list + "." + good + ".", "its header is no JSON object"},
        {critical + "." + good + ".", "critical"},
        {good + "." + encode_base64url("{") + ".", "its claims is no JSON"},
        {good + "." + list + ".", "its claims is no JSON object"},
        {good + "." + good + ".?", "its signature"},
    };
    for (const auto& [text, says] : cases) {
        const auto token = parse_token(text);
        ASSERT_FALSE(token) << text;
        EXPECT_THAT(api::to_string(token.error()), HasSubstr(says));
    }
}

}  // namespace
}  // namespace penstock::http
