#include "dataplane/wire/digest.hpp"

#include "crds/api/check.hpp"

#include <algorithm>
#include <array>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

namespace penstock::wire {
namespace {

// OpenSSL takes unsigned char where this code holds char.
const unsigned char* octets(std::string_view bytes) {
    return reinterpret_cast<const unsigned char*>(bytes.data());
}
unsigned char* octets(std::string& bytes) { return reinterpret_cast<unsigned char*>(bytes.data()); }

}  // namespace

std::string sha_256(std::string_view data) {
    std::string digest(sha_256_bytes, '\0');
    CHECK(
        EVP_Digest(data.data(), data.size(), octets(digest), nullptr, EVP_sha256(), nullptr) == 1
    );
    return digest;
}

std::string hmac_sha_256(std::string_view key, std::string_view data) {
    std::string digest(sha_256_bytes, '\0');
    unsigned int length = 0;
    CHECK(
        HMAC(
            EVP_sha256(),
            key.data(),
            static_cast<int>(key.size()),
            octets(data),
            data.size(),
            octets(digest),
            &length
        ) != nullptr
    );
    CHECK(length == sha_256_bytes);
    return digest;
}

std::string pbkdf2_sha_256(std::string_view password, std::string_view salt, int iterations) {
    CHECK(iterations > 0);
    std::string digest(sha_256_bytes, '\0');
    CHECK(
        PKCS5_PBKDF2_HMAC(
            password.data(),
            static_cast<int>(password.size()),
            octets(salt),
            static_cast<int>(salt.size()),
            iterations,
            EVP_sha256(),
            static_cast<int>(digest.size()),
            octets(digest)
        ) == 1
    );
    return digest;
}

std::string md5_hex(std::string_view data) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned int length = 0;
    if (EVP_Digest(data.data(), data.size(), digest.data(), &length, EVP_md5(), nullptr) != 1) {
        return {};
    }
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    for (std::size_t i = 0; i < length; ++i) {
        text += digits[digest[i] >> 4U];
        text += digits[digest[i] & 15U];
    }
    return text;
}

bool equal_in_constant_time(std::string_view left, std::string_view right) {
    return left.size() == right.size() &&
           CRYPTO_memcmp(left.data(), right.data(), left.size()) == 0;
}

std::string to_base64(std::string_view bytes) {
    // EVP_EncodeBlock writes a terminating zero behind the text.
    std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');
    EVP_EncodeBlock(octets(text), octets(bytes), static_cast<int>(bytes.size()));
    text.pop_back();
    return text;
}

std::optional<std::string> from_base64(std::string_view text) {
    if (text.size() % 4 != 0) return std::nullopt;
    std::string bytes(text.size() / 4 * 3, '\0');
    const int length = EVP_DecodeBlock(octets(bytes), octets(text), static_cast<int>(text.size()));
    if (length < 0) return std::nullopt;
    // EVP_DecodeBlock counts padding as zero bytes and forgives much: the round trip does not.
    const auto padding =
        std::count(text.end() - std::min<std::ptrdiff_t>(std::ssize(text), 2), text.end(), '=');
    if (padding > length) return std::nullopt;
    bytes.resize(static_cast<std::size_t>(length - padding));
    if (to_base64(bytes) != text) return std::nullopt;
    return bytes;
}

}  // namespace penstock::wire
