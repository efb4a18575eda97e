#include "operator/http/identity.hpp"

#include "tests/support/token_maker.hpp"

#include <gmock/gmock.h>

namespace penstock::http {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::SizeIs;

const WallTime now = std::chrono::system_clock::from_time_t(1'800'000'000);
constexpr std::int64_t now_seconds = 1'800'000'000;

class IdentityTest : public ::testing::Test {
 protected:
    static api::Document claims() {
        return api::Document::parse(R"({
            "aud": ["other", "penstock-operator"], "exp": 1800003600, "nbf": 1799999000,
            "iat": 1799999000, "iss": "https://kubernetes.default.svc",
            "kubernetes.io": {
                "namespace": "shop",
                "pod": {"name": "orders-1", "uid": "u-1"},
                "serviceaccount": {"name": "orders-proxy", "uid": "u-2"}},
            "sub": "system:serviceaccount:shop:orders-proxy"})");
    }
    static api::Document with(const char* pointer, api::Document value) {
        api::Document changed = claims();
        changed[api::Document::json_pointer(pointer)] = std::move(value);
        return changed;
    }
    static api::Document without(const char* key) {
        api::Document changed = claims();
        changed.erase(key);
        return changed;
    }
    KeySet keys() const {
        api::Document list = api::Document::array();
        list.push_back({{"kty", "oct"}, {"k", "c2VjcmV0"}});
        list.push_back(rsa_.published());
        list.push_back(elliptic_.published());
        return KeySet::parse(api::Document{{"keys", list}}.dump()).value();
    }
    std::string fault_of(const std::string& token, WallTime at = now) const {
        const auto identity = verify_identity(token, keys(), at);
        return identity ? "none" : api::to_string(identity.error());
    }

    // An RSA key takes a while.
    static const test::TokenMaker& rsa() {
        static const test::TokenMaker maker("RS256", "one");
        return maker;
    }
    const test::TokenMaker& rsa_ = rsa();
    const test::TokenMaker elliptic_{"ES256", "two"};
};

TEST_F(IdentityTest, ATokenNamesItsPod) {
    const PodIdentity expected{"shop", "orders-1", "u-1", "orders-proxy"};
    EXPECT_THAT(keys().keys(), SizeIs(2));
    EXPECT_EQ(verify_identity(rsa_.sign(claims()), keys(), now).value(), expected);
    EXPECT_EQ(verify_identity(elliptic_.sign(claims()), keys(), now).value(), expected);
    EXPECT_TRUE(verify_identity(rsa_.sign(with("/aud", "penstock-operator")), keys(), now));
    EXPECT_TRUE(verify_identity(rsa_.sign_as({{"alg", "RS256"}}, claims()), keys(), now));
}

TEST_F(IdentityTest, ClocksMayDifferByAMinute) {
    const std::string token = rsa_.sign(claims());
    EXPECT_EQ(fault_of(token, now + 3600s + 59s), "none");
    EXPECT_THAT(fault_of(token, now + 3600s + 61s), HasSubstr("has expired"));
    EXPECT_EQ(fault_of(token, now - 1000s - 59s), "none");
    EXPECT_THAT(fault_of(token, now - 1000s - 61s), HasSubstr("not valid yet"));
}

TEST_F(IdentityTest, WrongClaimsAreNamed) {
    const std::vector<std::pair<api::Document, const char*>> cases{
        {with("/aud", "https://kubernetes.default.svc"), "not made out to penstock-operator"},
        {with("/aud", 7), "aud"},
        {without("aud"), "aud"},
        {without("exp"), "exp"},
        {with("/exp", "1800003600"), "exp"},
        {with("/exp", -1), "exp"},
        {with("/exp", 1e300), "exp"},
        {with("/exp", now_seconds - 61), "expired"},
        {with("/nbf", "soon"), "nbf"},
        {without("kubernetes.io"), "no ServiceAccount's"},
        {with("/kubernetes.io", 1), "no ServiceAccount's"},
        {with("/kubernetes.io/namespace", 1), "names no ServiceAccount"},
        {with("/kubernetes.io/serviceaccount", 1), "names no ServiceAccount"},
        {with("/kubernetes.io/pod", 1), "bound to no Pod"},
        {with("/kubernetes.io/pod/uid", ""), "bound to no Pod"},
    };
    for (const auto& [wrong, says] : cases) {
        SCOPED_TRACE(wrong.dump());
        EXPECT_THAT(fault_of(rsa_.sign(wrong)), HasSubstr(says));
    }
}

TEST_F(IdentityTest, WhatIsNotSignedByThatKeyIsRefused) {
    const std::string token = rsa_.sign(claims());
    const std::string forged = encode_base64url(with("/kubernetes.io/namespace", "bank").dump());
    const std::size_t first = token.find('.');
    const std::size_t second = token.find('.', first + 1);
    EXPECT_THAT(
        fault_of(token.substr(0, first + 1) + forged + token.substr(second)),
        HasSubstr("its signature is wrong")
    );
    EXPECT_THAT(fault_of(token.substr(0, second + 1)), HasSubstr("its signature is wrong"));
    EXPECT_THAT(fault_of(token.substr(0, token.size() - 6)), HasSubstr("its signature is"));

    const test::TokenMaker stranger("RS256", "one");
    EXPECT_THAT(fault_of(stranger.sign(claims())), HasSubstr("its signature is wrong"));
    const test::TokenMaker other("ES256", "two");
    EXPECT_THAT(fault_of(other.sign(claims())), HasSubstr("its signature is wrong"));
    EXPECT_THAT(fault_of("x.y"), HasSubstr("three parts"));
}

TEST_F(IdentityTest, TheAlgorithmIsTheKeysAndNeverNone) {
    for (const char* algorithm : {"none", "HS256", "RS512", ""}) {
        const std::string token = rsa_.sign_as({{"alg", algorithm}, {"kid", "one"}}, claims());
        EXPECT_THAT(fault_of(token), HasSubstr("must be signed by"));
    }
    const std::string crossed = rsa_.sign_as({{"alg", "ES256"}, {"kid", "one"}}, claims());
    EXPECT_THAT(fault_of(crossed), HasSubstr("does not publish"));
}

TEST_F(IdentityTest, AnUnknownKeyMayBeANewerOne) {
    const test::TokenMaker newer("RS256", "three");
    const std::string token = newer.sign(claims());
    EXPECT_THAT(fault_of(token), HasSubstr("does not publish"));
    EXPECT_TRUE(may_be_newer_key(token, keys()));
    EXPECT_FALSE(may_be_newer_key(rsa_.sign(claims()), keys()));
    EXPECT_FALSE(may_be_newer_key("nonsense", keys()));
}

TEST_F(IdentityTest, DocumentsWithoutUsableKeysAreRefused) {
    api::Document short_key = rsa_.published();
    short_key["n"] = "AQAB";
    api::Document off_curve = elliptic_.published();
    off_curve["y"] = off_curve["x"];
    api::Document for_secrecy = rsa_.published();
    for_secrecy["use"] = "enc";
    for (const api::Document& each :
         {short_key, off_curve, for_secrecy, api::Document(1), api::Document{{"kty", "RSA"}}}) {
        SCOPED_TRACE(each.dump());
        const api::Document list = api::Document::array({each});
        EXPECT_FALSE(KeySet::parse(api::Document{{"keys", list}}.dump()));
    }
    for (const char* text : {"", "[]", "{}", R"({"keys":1})", R"({"keys":[]})"}) {
        EXPECT_FALSE(KeySet::parse(text)) << text;
    }
}

}  // namespace
}  // namespace penstock::http
