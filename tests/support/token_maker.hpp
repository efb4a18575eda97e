// Signs ServiceAccount tokens as an API server does, and publishes the keys. Keys are made anew.
#pragma once

#include "crds/api/document.hpp"
#include "operator/http/openssl.hpp"
#include "operator/http/token.hpp"

#include <string>

#include <gtest/gtest.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/rsa.h>

namespace penstock::test {

class TokenMaker {
 public:
    // "RS256" or "ES256".
    TokenMaker(std::string algorithm, std::string id)
        : algorithm_(std::move(algorithm)),
          id_(std::move(id)),
          key_(algorithm_ == "ES256" ? EVP_EC_gen("P-256") : EVP_RSA_gen(2'048)) {}

    std::string sign(const api::Document& claims) const {
        return sign_as({{"alg", algorithm_}, {"kid", id_}}, claims);
    }
    std::string sign_as(const api::Document& header, const api::Document& claims) const {
        const std::string text =
            http::encode_base64url(header.dump()) + "." + http::encode_base64url(claims.dump());
        std::string signature(512, '\0');
        std::size_t size = signature.size();
        EVP_MD_CTX* const context = EVP_MD_CTX_new();
        EVP_DigestSignInit(context, nullptr, EVP_sha256(), nullptr, key_.get());
        const int done = EVP_DigestSign(
            context,
            reinterpret_cast<unsigned char*>(signature.data()),
            &size,
            reinterpret_cast<const unsigned char*>(text.data()),
            text.size()
        );
        EVP_MD_CTX_free(context);
        EXPECT_EQ(done, 1);
        signature.resize(size);
        return text + "." +
               http::encode_base64url(algorithm_ == "ES256" ? side_by_side(signature) : signature);
    }
    // Its entry in a JWKS document.
    api::Document published() const {
        if (algorithm_ == "ES256") {
            return {
                {"use", "sig"},
                {"kty", "EC"},
                {"kid", id_},
                {"crv", "P-256"},
                {"alg", "ES256"},
                {"x", number(OSSL_PKEY_PARAM_EC_PUB_X, 32)},
                {"y", number(OSSL_PKEY_PARAM_EC_PUB_Y, 32)}};
        }
        return {
            {"use", "sig"},
            {"kty", "RSA"},
            {"kid", id_},
            {"alg", "RS256"},
            {"n", number(OSSL_PKEY_PARAM_RSA_N, 256)},
            {"e", number(OSSL_PKEY_PARAM_RSA_E, 3)}};
    }

 private:
    std::string number(const char* name, int bytes) const {
        BIGNUM* value = nullptr;
        EVP_PKEY_get_bn_param(key_.get(), name, &value);
        return http::encode_base64url(padded(value, bytes, true));
    }
    static std::string padded(const BIGNUM* value, int bytes, bool is_own) {
        std::string text(static_cast<std::size_t>(bytes), '\0');
        BN_bn2binpad(value, reinterpret_cast<unsigned char*>(text.data()), bytes);
        if (is_own) BN_free(const_cast<BIGNUM*>(value));
        return text;
    }
    static std::string side_by_side(const std::string& der) {
        const auto* bytes = reinterpret_cast<const unsigned char*>(der.data());
        ECDSA_SIG* const pair = d2i_ECDSA_SIG(nullptr, &bytes, static_cast<long>(der.size()));
        const std::string text =
            padded(ECDSA_SIG_get0_r(pair), 32, false) + padded(ECDSA_SIG_get0_s(pair), 32, false);
        ECDSA_SIG_free(pair);
        return text;
    }

    std::string algorithm_;
    std::string id_;
    http::KeyPtr key_;
};

}  // namespace penstock::test
