#include "dataplane/wire/digest.hpp"

#include <gtest/gtest.h>

namespace penstock::wire {
namespace {

std::string hex(std::string_view bytes) {
    std::string text;
    for (const char byte : bytes) {
        text += "0123456789abcdef"[static_cast<unsigned char>(byte) >> 4U];
        text += "0123456789abcdef"[static_cast<unsigned char>(byte) & 15U];
    }
    return text;
}

TEST(Digest, Sha256OfKnownTexts) {
    EXPECT_EQ(
        hex(sha_256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    );
    EXPECT_EQ(hex(sha_256("")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

// RFC 4231, test case 2.
TEST(Digest, HmacOfTheRfc) {
    EXPECT_EQ(
        hex(hmac_sha_256("Jefe", "what do ya want for nothing?")),
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    );
    EXPECT_EQ(hmac_sha_256("", "").size(), sha_256_bytes);
}

// RFC 7914, section 11.
TEST(Digest, Pbkdf2OfTheRfc) {
    EXPECT_EQ(
        hex(pbkdf2_sha_256("passwd", "salt", 1)),
        "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc"
    );
}

TEST(Digest, Md5OfKnownText) { EXPECT_EQ(md5_hex("abc"), "900150983cd24fb0d6963f7d28e17f72"); }

TEST(Digest, ComparesContentAndLength) {
    EXPECT_TRUE(equal_in_constant_time("", ""));
    EXPECT_TRUE(equal_in_constant_time("same", "same"));
    EXPECT_FALSE(equal_in_constant_time("same", "some"));
    EXPECT_FALSE(equal_in_constant_time("same", "same1"));
    EXPECT_FALSE(equal_in_constant_time("same", ""));
}

TEST(Digest, Base64GoesThereAndBackForEveryLength) {
    std::string bytes;
    for (int i = 0; i < 300; ++i) {
        EXPECT_EQ(from_base64(to_base64(bytes)), bytes);
        bytes += static_cast<char>(i * 7);
    }
    EXPECT_EQ(to_base64("f"), "Zg==");
    EXPECT_EQ(to_base64("foobar"), "Zm9vYmFy");
}

TEST(Digest, RefusesWhatIsNotCanonicalBase64) {
    for (const std::string_view text :
         {"A",
          "AA",
          "AAA",
          "====",
          "A===",
          "AB==",
          "AAB=",
          "AA=A",
          "AA\n=",
          "AAAA\n\n\n\n",
          " AAA",
          "AA==AAAA",
          "AAA-",
          "AAA_",
          "AAA\xff",
          "AA==\n"}) {
        EXPECT_EQ(from_base64(text), std::nullopt) << text;
    }
    EXPECT_EQ(from_base64(""), "");
}

}  // namespace
}  // namespace penstock::wire
