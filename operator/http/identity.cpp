#include "operator/http/identity.hpp"

#include "crds/api/names.hpp"
#include "operator/http/token.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/param_build.h>

namespace penstock::http {
namespace {

constexpr std::chrono::seconds leeway{60};
constexpr std::size_t coordinate_bytes = 32;  // of P-256
constexpr std::size_t modulus_bytes_min = 256;

using BuildPtr = std::unique_ptr<OSSL_PARAM_BLD, OpensslFree<OSSL_PARAM_BLD_free>>;
using ParamsPtr = std::unique_ptr<OSSL_PARAM, OpensslFree<OSSL_PARAM_free>>;
using NumberPtr = std::unique_ptr<BIGNUM, OpensslFree<BN_free>>;
using KeyContextPtr = std::unique_ptr<EVP_PKEY_CTX, OpensslFree<EVP_PKEY_CTX_free>>;
using DigestContextPtr = std::unique_ptr<EVP_MD_CTX, OpensslFree<EVP_MD_CTX_free>>;
using SignaturePtr = std::unique_ptr<ECDSA_SIG, OpensslFree<ECDSA_SIG_free>>;

tl::unexpected<api::Error> fault(const std::string& text) {
    return tl::unexpected(api::Error{"token", text});
}

const unsigned char* bytes_of(std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
}

NumberPtr number_of(std::string_view bytes) {
    return NumberPtr(BN_bin2bn(bytes_of(bytes), static_cast<int>(bytes.size()), nullptr));
}

std::string text_at(const api::Document& mapping, const char* key) {
    const auto found = mapping.find(key);
    return found != mapping.end() && found->is_string() ? found->get<std::string>() : "";
}

// Nothing: missing or not in base64url form.
std::string bytes_at(const api::Document& mapping, const char* key) {
    return decode_base64url(text_at(mapping, key)).value_or("");
}

KeyPtr make_key(const char* type, OSSL_PARAM_BLD* build) {
    const ParamsPtr params(OSSL_PARAM_BLD_to_param(build));
    const KeyContextPtr context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
    EVP_PKEY* key = nullptr;
    if (!params || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
        EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, params.get()) != 1) {
        return nullptr;
    }
    return KeyPtr(key);
}

KeyPtr make_rsa_key(const std::string& modulus, const std::string& exponent) {
    if (modulus.size() < modulus_bytes_min || exponent.empty()) return nullptr;
    const BuildPtr build(OSSL_PARAM_BLD_new());
    const NumberPtr n = number_of(modulus);
    const NumberPtr e = number_of(exponent);
    OSSL_PARAM_BLD_push_BN(build.get(), OSSL_PKEY_PARAM_RSA_N, n.get());
    OSSL_PARAM_BLD_push_BN(build.get(), OSSL_PKEY_PARAM_RSA_E, e.get());
    return make_key("RSA", build.get());
}

KeyPtr make_p256_key(const std::string& x, const std::string& y) {
    if (x.size() != coordinate_bytes || y.size() != coordinate_bytes) return nullptr;
    const std::string point = "\x04" + x + y;  // uncompressed
    const BuildPtr build(OSSL_PARAM_BLD_new());
    OSSL_PARAM_BLD_push_utf8_string(build.get(), OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0);
    OSSL_PARAM_BLD_push_octet_string(
        build.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()
    );
    return make_key("EC", build.get());
}

std::optional<KeySet::Key> make_key(const api::Document& entry) {
    if (!entry.is_object()) return std::nullopt;
    const std::string use = text_at(entry, "use");
    if (!use.empty() && use != "sig") return std::nullopt;
    const std::string type = text_at(entry, "kty");
    KeySet::Key made{text_at(entry, "kid"), {}, nullptr};
    if (type == "RSA") {
        made.algorithm = "RS256";
        made.key = make_rsa_key(bytes_at(entry, "n"), bytes_at(entry, "e"));
    } else if (type == "EC" && text_at(entry, "crv") == "P-256") {
        made.algorithm = "ES256";
        made.key = make_p256_key(bytes_at(entry, "x"), bytes_at(entry, "y"));
    }
    const std::string algorithm = text_at(entry, "alg");
    if (!made.key || (!algorithm.empty() && algorithm != made.algorithm)) return std::nullopt;
    return made;
}

// A signature as tokens have it (r and s side by side) in the form that OpenSSL takes.
std::string der_of(const std::string& signature) {
    if (signature.size() != 2 * coordinate_bytes) return {};
    const SignaturePtr pair(ECDSA_SIG_new());
    NumberPtr r = number_of(std::string_view(signature).substr(0, coordinate_bytes));
    NumberPtr s = number_of(std::string_view(signature).substr(coordinate_bytes));
    if (!pair || ECDSA_SIG_set0(pair.get(), r.release(), s.release()) != 1) return {};
    unsigned char* der = nullptr;
    const int size = i2d_ECDSA_SIG(pair.get(), &der);
    if (size <= 0) return {};
    std::string made(reinterpret_cast<char*>(der), static_cast<std::size_t>(size));
    OPENSSL_free(der);
    return made;
}

bool is_signed_by(const Token& token, const KeySet::Key& key) {
    const std::string signature =
        key.algorithm == "ES256" ? der_of(token.signature) : token.signature;
    const DigestContextPtr context(EVP_MD_CTX_new());
    const bool is_good =
        !signature.empty() &&
        EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, key.key.get()) == 1 &&
        EVP_DigestVerify(
            context.get(),
            bytes_of(signature),
            signature.size(),
            bytes_of(token.signed_part),
            token.signed_part.size()
        ) == 1;
    ERR_clear_error();
    return is_good;
}

// Without an id any key of the algorithm will do, on either side.
bool may_fit(const Token& token, const KeySet::Key& key) {
    return key.algorithm == token.algorithm &&
           (token.key_id.empty() || key.id.empty() || key.id == token.key_id);
}

bool is_made_out_to(const api::Document& claims, std::string_view whom) {
    const auto audience = claims.find("aud");
    if (audience == claims.end()) return false;
    if (audience->is_string()) return audience->get<std::string>() == whom;
    return audience->is_array() &&
           std::any_of(audience->begin(), audience->end(), [&](const api::Document& each) {
               return each.is_string() && each.get<std::string>() == whom;
           });
}

// Seconds since 1970; nothing if it is no number or beyond what a clock can show.
std::optional<WallTime> time_at(const api::Document& claims, const char* key) {
    const auto found = claims.find(key);
    if (found == claims.end() || !found->is_number()) return std::nullopt;
    const double seconds = found->get<double>();
    constexpr double seconds_max = 8e9;  // the year 2223
    if (!std::isfinite(seconds) || seconds < 0 || seconds > seconds_max) return std::nullopt;
    return WallTime(std::chrono::seconds(static_cast<std::int64_t>(seconds)));
}

std::string name_at(const api::Document& mapping, const char* kind, const char* key) {
    const auto found = mapping.find(kind);
    return found != mapping.end() && found->is_object() ? text_at(*found, key) : "";
}

api::Result<PodIdentity> identity_in(const api::Document& claims) {
    const auto kubernetes = claims.find("kubernetes.io");
    if (kubernetes == claims.end() || !kubernetes->is_object()) {
        return fault("has no claim kubernetes.io: it is no ServiceAccount's");
    }
    PodIdentity identity{
        text_at(*kubernetes, "namespace"),
        name_at(*kubernetes, "pod", "name"),
        name_at(*kubernetes, "pod", "uid"),
        name_at(*kubernetes, "serviceaccount", "name")};
    if (identity.pod_namespace.empty() || identity.service_account.empty()) {
        return fault("names no ServiceAccount");
    }
    if (identity.pod_name.empty() || identity.pod_uid.empty()) {
        return fault("is bound to no Pod");
    }
    return identity;
}

}  // namespace

api::Result<KeySet> KeySet::parse(const std::string& document) {
    const auto parsed = api::parse_json(document);
    if (!parsed) return tl::unexpected(api::Error{"JWKS", "is no JSON: " + parsed.error().text});
    const bool is_object = parsed->is_object();
    const auto keys = is_object ? parsed->find("keys") : parsed->end();
    if (!is_object || keys == parsed->end() || !keys->is_array()) {
        return tl::unexpected(api::Error{"JWKS", "has no list `keys`"});
    }
    KeySet set;
    for (const api::Document& entry : *keys) {
        if (auto key = make_key(entry)) set.keys_.push_back(*std::move(key));
    }
    ERR_clear_error();
    if (set.keys_.empty()) {
        return tl::unexpected(api::Error{"JWKS", "has no key for RS256 or ES256"});
    }
    return set;
}

api::Result<PodIdentity> verify_identity(std::string_view text, const KeySet& keys, WallTime now) {
    const auto token = parse_token(text);
    if (!token) return tl::unexpected(token.error());
    if (token->algorithm != "RS256" && token->algorithm != "ES256") {
        return fault("must be signed by RS256 or ES256");
    }
    bool has_key = false;
    bool is_signed = false;
    for (const KeySet::Key& key : keys.keys()) {
        if (!may_fit(*token, key)) continue;
        has_key = true;
        is_signed = is_signed || is_signed_by(*token, key);
    }
    if (!has_key) return fault("is signed by a key that the API server does not publish");
    if (!is_signed) return fault("its signature is wrong");
    if (!is_made_out_to(token->claims, api::operator_name)) {
        return fault("is not made out to " + std::string(api::operator_name) + " (claim aud)");
    }
    const auto end = time_at(token->claims, "exp");
    if (!end) return fault("does not say when it ends (claim exp)");
    if (now > *end + leeway) return fault("has expired; the two clocks may differ");
    if (token->claims.contains("nbf")) {
        const auto begin = time_at(token->claims, "nbf");
        if (!begin) return fault("its claim nbf is no time");
        if (now < *begin - leeway) return fault("is not valid yet; the two clocks may differ");
    }
    return identity_in(token->claims);
}

bool may_be_newer_key(std::string_view text, const KeySet& keys) {
    const auto token = parse_token(text);
    if (!token) return false;
    return std::none_of(keys.keys().begin(), keys.keys().end(), [&](const KeySet::Key& key) {
        return may_fit(*token, key);
    });
}

}  // namespace penstock::http
