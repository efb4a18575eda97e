#include "dataplane/wire/scram.hpp"

#include "dataplane/wire/digest.hpp"

#include <gtest/gtest.h>

namespace penstock::wire {
namespace {

// RFC 7677, section 3.
constexpr std::string_view rfc_auth_message =
    "n=user,r=rOprNGfwEbeRWgbNEkqO,"
    "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,"
    "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";

ScramKeys pencil_keys() {
    return scram_keys("pencil", from_base64("W22ZaJ0SNY7soEsUEjb6gQ==").value(), 4096);
}

TEST(Scram, ProofAndSignatureOfTheRfc) {
    const ScramKeys keys = pencil_keys();
    EXPECT_EQ(
        to_base64(scram_client_proof(keys.client_key, rfc_auth_message)),
        "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
    );
    EXPECT_EQ(
        to_base64(scram_server_signature(keys.server_key, rfc_auth_message)),
        "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="
    );
}

TEST(Scram, ProofYieldsTheClientKeyBack) {
    const ScramKeys keys = pencil_keys();
    const std::string proof = scram_client_proof(keys.client_key, rfc_auth_message);
    EXPECT_EQ(
        scram_client_key(scram_verifier(keys).stored_key, rfc_auth_message, proof), keys.client_key
    );
}

TEST(Scram, VerifierIsReadAndWrittenAsPostgresqlStoresIt) {
    const std::string text =
        to_string(scram_verifier(scram_keys("secret", "0123456789abcdef", 4096)));
    EXPECT_TRUE(text.starts_with("SCRAM-SHA-256$4096:MDEyMzQ1Njc4OWFiY2RlZg==$")) << text;
    const auto verifier = parse_scram_verifier(text);
    ASSERT_TRUE(verifier);
    EXPECT_EQ(*verifier, scram_verifier(scram_keys("secret", "0123456789abcdef", 4096)));
    EXPECT_EQ(to_string(*verifier), text);
}

TEST(Scram, RefusesWhatIsNoVerifier) {
    const std::string key = to_base64(std::string(32, 'k'));
    const std::string salt = to_base64("salt");
    EXPECT_TRUE(parse_scram_verifier("SCRAM-SHA-256$1:" + salt + "$" + key + ":" + key));
    for (const std::string& text :
         {std::string{},
          std::string{"SCRAM-SHA-256"},
          std::string{"SCRAM-SHA-256$"},
          "SCRAM-SHA-256$0:" + salt + "$" + key + ":" + key,
          "SCRAM-SHA-256$-1:" + salt + "$" + key + ":" + key,
          "SCRAM-SHA-256$4096x:" + salt + "$" + key + ":" + key,
          "SCRAM-SHA-256$ 4096:" + salt + "$" + key + ":" + key,
          "SCRAM-SHA-256$99999999999:" + salt + "$" + key + ":" + key,
          "SCRAM-SHA-256$4096:$" + key + ":" + key,
          "SCRAM-SHA-256$4096:" + salt + "$" + key,
          "SCRAM-SHA-256$4096:" + salt + "$" + key + ":",
          "SCRAM-SHA-256$4096:" + salt + "$" + key + ":" + to_base64("short"),
          "SCRAM-SHA-256$4096:" + salt + "$" + to_base64("short") + ":" + key,
          "SCRAM-SHA-256$4096:" + salt + "$" + key + ":" + key + " ",
          "SCRAM-SHA-256$4096:" + salt + "$" + key + ":" + key + ":",
          "SCRAM-SHA-1$4096:" + salt + "$" + key + ":" + key,
          "scram-sha-256$4096:" + salt + "$" + key + ":" + key}) {
        EXPECT_EQ(parse_scram_verifier(text), std::nullopt) << text;
    }
}

TEST(Scram, MockIsSteadyPerUserAndSecretAndHasTheSaltOfPlainPasswords) {
    const ScramVerifier mock = mock_scram_verifier("process", "alice", 4096);
    EXPECT_EQ(mock, mock_scram_verifier("process", "alice", 4096));
    EXPECT_NE(mock.salt, mock_scram_verifier("process", "bob", 4096).salt);
    EXPECT_NE(mock.salt, mock_scram_verifier("another", "alice", 4096).salt);
    EXPECT_NE(mock.stored_key, mock.server_key);
    EXPECT_EQ(mock.salt, scram_salt("process", "alice"));
    EXPECT_EQ(mock.salt.size(), 16U);
    EXPECT_EQ(mock.iterations, 4096);
}

TEST(Scram, LongAndBinaryPasswordsHaveKeys) {
    const std::string long_password(5000, 'x');
    EXPECT_NE(
        scram_keys(long_password, "salt", 1).client_key,
        scram_keys(long_password + 'x', "salt", 1).client_key
    );
    EXPECT_NE(
        scram_keys("\xff\xfe", "salt", 1).client_key, scram_keys("\xff", "salt", 1).client_key
    );
}

TEST(Scram, TakesAttributesInOrder) {
    std::string_view rest = "r=abc,s=,i=1";
    EXPECT_EQ(take_scram_attribute(rest, 's'), std::nullopt);
    EXPECT_EQ(take_scram_attribute(rest, 'r'), "abc");
    EXPECT_EQ(take_scram_attribute(rest, 's'), "");
    EXPECT_EQ(take_scram_attribute(rest, 'i'), "1");
    EXPECT_EQ(rest, "");
    EXPECT_EQ(take_scram_attribute(rest, 'i'), std::nullopt);
    rest = "r";
    EXPECT_EQ(take_scram_attribute(rest, 'r'), std::nullopt);
}

TEST(Scram, NoncesAreOfPrintableAscii) {
    EXPECT_TRUE(is_scram_nonce("!~AZaz09+/="));
    for (const std::string_view text : {"", "a,b", "a b", "a\x7f", "\x80", "a\n"}) {
        EXPECT_FALSE(is_scram_nonce(text)) << text;
    }
}

}  // namespace
}  // namespace penstock::wire
