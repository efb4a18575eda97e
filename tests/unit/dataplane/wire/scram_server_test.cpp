#include "dataplane/wire/scram_server.hpp"

#include "dataplane/wire/digest.hpp"

#include <gtest/gtest.h>

namespace penstock::wire {
namespace {

using Kind = ScramFault::Kind;

constexpr std::string_view rfc_server_nonce = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
constexpr std::string_view rfc_first = "n,,n=user,r=rOprNGfwEbeRWgbNEkqO";
constexpr std::string_view rfc_final =
    "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
    "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";

ScramKeys rfc_keys() {
    return scram_keys("pencil", from_base64("W22ZaJ0SNY7soEsUEjb6gQ==").value(), 4096);
}

ScramServer rfc_server() { return {scram_verifier(rfc_keys()), rfc_server_nonce}; }

// The fault that the first message meets; Malformed's default text is empty.
ScramFault first_fault(std::string_view message) {
    const auto answer = rfc_server().first(message);
    return answer ? ScramFault{} : answer.error();
}

ScramFault final_fault(std::string_view message, std::string_view first = rfc_first) {
    ScramServer server = rfc_server();
    EXPECT_TRUE(server.first(first));
    const auto answer = server.final(message);
    return answer ? ScramFault{} : answer.error();
}

TEST(ScramServer, ExchangeOfTheRfc) {
    ScramServer server = rfc_server();
    EXPECT_EQ(
        server.first(rfc_first),
        "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
    );
    EXPECT_EQ(server.final(rfc_final), "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
    EXPECT_EQ(server.take_keys(), rfc_keys());
}

TEST(ScramServer, RefusesBadFirstMessages) {
    struct Case {
        std::string_view message;
        Kind kind;
    };
    for (const Case& c : std::initializer_list<Case>{
             {"", Kind::Malformed},
             {"n", Kind::Malformed},
             {"n,", Kind::Malformed},
             {"n,,", Kind::Malformed},
             {"x,,n=,r=abc", Kind::Malformed},
             {"N,,n=,r=abc", Kind::Malformed},
             {"nn,n=,r=abc", Kind::Malformed},
             {"n,n=,r=abc", Kind::Malformed},
             {"n,a=root,n=,r=abc", Kind::NotSupported},
             {"n,,m=ext,n=,r=abc", Kind::NotSupported},
             {"n,,r=abc", Kind::Malformed},
             {"n,,n=user", Kind::Malformed},
             {"n,,n=user,", Kind::Malformed},
             {"n,,n=user,r=", Kind::Malformed},
             {"n,,n=user,r=a b", Kind::Malformed},
             {"n,,n=user,r=a\x80", Kind::Malformed},
             {"n,,n=user,s=abc", Kind::Malformed},
             {std::string_view{"n,,n=,r=ab\0c", 12}, Kind::Malformed},
             {"p=tls-server-end-point,,n=,r=abc", Kind::Malformed},
         }) {
        SCOPED_TRACE(c.message);
        const ScramFault fault = first_fault(c.message);
        EXPECT_EQ(fault.kind, c.kind);
        EXPECT_NE(fault.text, "");
    }
}

TEST(ScramServer, SaysThatChannelBindingDoesNotFitTheMechanism) {
    EXPECT_NE(
        first_fault("p=tls-unique,,n=,r=abc").text.find("channel binding"), std::string::npos
    );
}

// Extensions that are not mandatory, after the nonce and before the proof.
TEST(ScramServer, PassesOverOptionalExtensions) {
    const ScramKeys keys = rfc_keys();
    ScramServer server = rfc_server();
    const auto first = server.first("n,,n=,r=abc,x=1,y=2");
    ASSERT_TRUE(first);
    const std::string without_proof = "c=biws,r=abc" + std::string{rfc_server_nonce} + ",z=3";
    const std::string proof =
        scram_client_proof(keys.client_key, "n=,r=abc,x=1,y=2," + *first + "," + without_proof);
    EXPECT_TRUE(server.final(without_proof + ",p=" + to_base64(proof)));
}

// "y": the client could bind and thinks that we cannot, which is true.
TEST(ScramServer, AdmitsTheFlagOfClientsThatCouldBind) {
    const ScramKeys keys = rfc_keys();
    for (const std::string_view binding : {"eSws", "biws"}) {
        ScramServer server = rfc_server();
        const auto first = server.first("y,,n=,r=abc");
        ASSERT_TRUE(first);
        const std::string without_proof =
            "c=" + std::string{binding} + ",r=abc" + std::string{rfc_server_nonce};
        const std::string proof =
            scram_client_proof(keys.client_key, "n=,r=abc," + *first + "," + without_proof);
        EXPECT_EQ(
            server.final(without_proof + ",p=" + to_base64(proof)).has_value(), binding == "eSws"
        );
    }
}

TEST(ScramServer, RefusesBadFinalMessages) {
    const std::string nonce = "rOprNGfwEbeRWgbNEkqO" + std::string{rfc_server_nonce};
    const std::string zeros = to_base64(std::string(32, '\0'));
    struct Case {
        std::string message;
        Kind kind;
    };
    for (const Case& c : std::initializer_list<Case>{
             {"", Kind::Malformed},
             {"c=biws", Kind::Malformed},
             {"c=eSws,r=" + nonce + ",p=" + zeros, Kind::Malformed},
             {"c=,r=" + nonce + ",p=" + zeros, Kind::Malformed},
             {"r=" + nonce + ",c=biws,p=" + zeros, Kind::Malformed},
             {"c=biws,r=,p=" + zeros, Kind::Malformed},
             {"c=biws,r=rOprNGfwEbeRWgbNEkqO,p=" + zeros, Kind::Malformed},
             {"c=biws,r=" + nonce + "x,p=" + zeros, Kind::Malformed},
             {"c=biws,r=" + nonce, Kind::Malformed},
             {"c=biws,r=" + nonce + ",p=", Kind::Malformed},
             {"c=biws,r=" + nonce + ",p=AAAA", Kind::Malformed},
             {"c=biws,r=" + nonce + ",p=" + zeros + "x", Kind::Malformed},
             {"c=biws,r=" + nonce + ",p=" + zeros + ",x=1", Kind::Malformed},
             {"c=biws,r=" + nonce + ",p=" + zeros, Kind::WrongPassword},
         }) {
        SCOPED_TRACE(c.message);
        const ScramFault fault = final_fault(c.message);
        EXPECT_EQ(fault.kind, c.kind);
        EXPECT_NE(fault.text, "");
    }
}

TEST(ScramServer, NoChangedByteOfTheFinalMessagePasses) {
    for (std::size_t i = 0; i < rfc_final.size(); ++i) {
        for (const int flip : {1, 0x20, 0x80}) {
            std::string message{rfc_final};
            message[i] = static_cast<char>(message[i] ^ flip);
            EXPECT_NE(final_fault(message).text, "") << i;
        }
    }
}

TEST(ScramServer, NoPasswordPassesAMock) {
    ScramServer server{mock_scram_verifier("process", "nobody", 4096), "server"};
    const auto first = server.first("n,,n=,r=abc");
    ASSERT_TRUE(first);
    const ScramKeys keys = scram_keys("", scram_salt("process", "nobody"), 4096);
    const std::string proof =
        scram_client_proof(keys.client_key, "n=,r=abc," + *first + ",c=biws,r=abcserver");
    const auto answer = server.final("c=biws,r=abcserver,p=" + to_base64(proof));
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().kind, Kind::WrongPassword);
}

}  // namespace
}  // namespace penstock::wire
