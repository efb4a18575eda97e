#include "operator/kube/base64.hpp"

#include <gtest/gtest.h>

namespace penstock::kube {
namespace {

TEST(Base64, ThereAndBack) {
    struct Case {
        std::string bytes, text;
    };
    // RFC 4648, section 10.
    const Case cases[] = {
        {"", ""},
        {"f", "Zg=="},
        {"fo", "Zm8="},
        {"foo", "Zm9v"},
        {"foob", "Zm9vYg=="},
        {"fooba", "Zm9vYmE="},
        {"foobar", "Zm9vYmFy"},
        {std::string("\0\xff", 2), "AP8="},
    };
    for (const Case& each : cases) {
        EXPECT_EQ(encode_base64(each.bytes), each.text);
        EXPECT_EQ(decode_base64(each.text), each.bytes);
    }
}

TEST(Base64, AnythingElseIsRefused) {
    for (const char* text : {"Zg", "Zg=", "Zg==x", "????", "Z\x80g="})
        EXPECT_EQ(decode_base64(text), std::nullopt) << text;
}

}  // namespace
}  // namespace penstock::kube
