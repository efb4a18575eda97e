#include "dataplane/session/server_login.hpp"

#include "dataplane/wire/digest.hpp"
#include "dataplane/wire/md5.hpp"
#include "dataplane/wire/scram_server.hpp"
#include "tests/support/client_link.hpp"
#include "tests/support/every_split.hpp"
#include "tests/support/server_link.hpp"

#include <gtest/gtest.h>

namespace penstock::session {
namespace {

using namespace test;
using wire::Authentication;
using Step = ServerLoginStep;

// What a server says after it has authenticated us.
std::string settled() {
    return auth(Authentication::Ok) + parameter("server_version", "17.0") + notice() +
           parameter("TimeZone", "UTC") + message('K', bytes("\0\0\0\x4dkey!")) + ready;
}

void expect_settled(ServerLink& link) {
    const ServerLoginResult result = link.login.take_result();
    EXPECT_EQ(
        result.parameters, (wire::Parameters{{"server_version", "17.0"}, {"TimeZone", "UTC"}})
    );
    EXPECT_EQ(result.process_id, 77U);
    EXPECT_EQ(result.cancel_key, "key!");
    EXPECT_EQ(result.protocol_minor, 0U);
}

// A whole SCRAM login's bytes of a server that knows `password`. The nonces are fixed.
std::string scram_stream(std::string_view password, const ServerLoginSecret& secret) {
    ServerLink link(secret);
    link.take_out();
    wire::ScramServer server{
        wire::scram_verifier(wire::scram_keys(password, "stored salt", 10)), "servernonce"};
    std::string stream = sasl();
    EXPECT_EQ(link.receive(sasl()), Step::NeedMore);
    const std::string initial = messages(link.take_out()).at(0).body;
    const auto first = server.first(std::string_view{initial}.substr(18));
    stream += auth(Authentication::SASLContinue, first.value());
    EXPECT_EQ(link.receive(auth(Authentication::SASLContinue, first.value())), Step::NeedMore);
    const auto final = server.final(messages(link.take_out()).at(0).body);
    if (!final) return stream;
    return stream + auth(Authentication::SASLFinal, *final);
}

// The failure of a login by trust in which the server says `stream`.
ServerLoginFailure failure_of(std::string_view stream, ServerLoginSecret secret = secret_of("")) {
    ServerLink link(std::move(secret));
    EXPECT_EQ(link.receive(stream), Step::Failed);
    return link.login.failure();
}

TEST(ServerLogin, SaysWhoItIs) {
    ServerLink link(secret_of(""));
    wire::StartupPacket packet = wire::read_startup(link.out);
    ASSERT_EQ(packet.kind, wire::StartupKind::StartupMessage);
    EXPECT_EQ(packet.size, link.out.size());
    EXPECT_EQ(packet.protocol_minor, 0U);
    const std::vector<std::pair<std::string_view, std::string_view>> expected{
        {"user", "app"},
        {"database", "orders"},
        {"client_encoding", "UTF8"},
        {"application_name", "penstock/1"}};
    EXPECT_EQ(packet.parameters, expected);
}

TEST(ServerLogin, TrustInEverySplit) {
    for_each_split(settled(), [](const std::vector<std::string_view>& pieces) {
        ServerLink link(secret_of(""));
        link.take_out();
        ASSERT_EQ(link.receive_all(pieces), Step::Ready);
        EXPECT_EQ(link.out, "");
        expect_settled(link);
    });
}

TEST(ServerLogin, LeavesWhatFollowsReadyForQuery) {
    ServerLink link(secret_of(""));
    EXPECT_EQ(link.receive(settled() + "Emore"), Step::Ready);
    EXPECT_EQ(link.left(), "Emore");
}

TEST(ServerLogin, CleartextPassword) {
    ServerLink link(secret_of("pencil"));
    link.take_out();
    EXPECT_EQ(link.receive(auth(Authentication::CleartextPassword)), Step::NeedMore);
    EXPECT_EQ(link.take_out(), message('p', bytes("pencil\0")));
    EXPECT_EQ(link.receive(settled()), Step::Ready);
}

TEST(ServerLogin, Md5WithPasswordAndWithHash) {
    for (const std::string& text : {std::string{"pencil"}, wire::md5_secret("pencil", "app")}) {
        const std::string stream = auth(Authentication::MD5Password, "salt") + settled();
        for_each_split(stream, [&](const std::vector<std::string_view>& pieces) {
            ServerLink link(secret_of(text));
            link.take_out();
            ASSERT_EQ(link.receive_all(pieces), Step::Ready);
            EXPECT_EQ(
                link.out,
                message('p', wire::md5_response(wire::md5_secret("pencil", "app"), "salt") + '\0')
            );
            expect_settled(link);
        });
    }
}

TEST(ServerLogin, ScramWithPasswordAndWithKeys) {
    const wire::ScramKeys keys = wire::scram_keys("pencil", "stored salt", 10);
    for (const ServerLoginSecret& secret :
         {secret_of("pencil"),
          secret_of(verifier_text("pencil"), keys),
          secret_of("", keys),
          secret_of("pencil", wire::scram_keys("old", "old salt", 10))}) {
        const std::string stream = scram_stream("pencil", secret) + settled();
        for_each_split(stream, [&](const std::vector<std::string_view>& pieces) {
            ServerLink link(secret);
            ASSERT_EQ(link.receive_all(pieces), Step::Ready);
            EXPECT_EQ(link.login.take_result().scram_keys, keys);
        });
    }
}

TEST(ServerLogin, ChoosesScramAmongMechanisms) {
    ServerLink link(secret_of("pencil"));
    link.take_out();
    EXPECT_EQ(
        link.receive(auth(Authentication::SASL, bytes("SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0"))),
        Step::NeedMore
    );
    EXPECT_TRUE(messages(link.out).at(0).body.starts_with(bytes("SCRAM-SHA-256\0")));
}

TEST(ServerLogin, SaysWhatIsMissingWhenTheSecretDoesNotFit) {
    struct Case {
        std::string asked;
        std::string secret;
        std::string_view words;
    };
    const std::string md5 = wire::md5_secret("pencil", "app");
    for (const Case& c : std::initializer_list<Case>{
             {auth(Authentication::CleartextPassword), "", "clear text"},
             {auth(Authentication::CleartextPassword), md5, "clear text"},
             {auth(Authentication::CleartextPassword), verifier_text("pencil"), "clear text"},
             {auth(Authentication::MD5Password, "salt"), "", "neither the password nor its md5"},
             {auth(Authentication::MD5Password, "salt"),
              verifier_text("x"),
              "neither the password"},
             {sasl(), "", "no secret is stored"},
             {sasl(), md5, "only an md5 hash is stored"},
             {sasl(), verifier_text("pencil"), "only a SCRAM verifier is stored"},
         }) {
        SCOPED_TRACE(c.words);
        const ServerLoginFailure failure = failure_of(c.asked, secret_of(c.secret));
        EXPECT_FALSE(failure.is_servers);
        EXPECT_EQ(failure.severity, "FATAL");
        EXPECT_EQ(failure.sql_state, "28P01");
        EXPECT_NE(failure.message.find(c.words), std::string::npos) << failure.message;
        EXPECT_NE(failure.message.find("store "), std::string::npos) << failure.message;
        EXPECT_NE(failure.message.find("\"app\""), std::string::npos) << failure.message;
    }
}

TEST(ServerLogin, StaleKeysSaySo) {
    const ServerLoginSecret stale = secret_of("", wire::scram_keys("pencil", "old salt", 10));
    ServerLink link(stale);
    EXPECT_EQ(link.receive(sasl()), Step::NeedMore);
    const std::string server_nonce =
        wire::to_base64({server_login_nonce.data(), server_login_nonce.size()}) + "more";
    EXPECT_EQ(
        link.receive(auth(
            Authentication::SASLContinue,
            "r=" + server_nonce + ",s=" + wire::to_base64("new salt") + ",i=10"
        )),
        Step::Failed
    );
    EXPECT_NE(link.login.failure().message.find("update the stored secret"), std::string::npos);
}

TEST(ServerLogin, PassesOnTheServersErrorAtAnyPoint) {
    const std::string stream = scram_stream("pencil", secret_of("pencil")) + settled();
    // The ends of the server's messages.
    std::vector<std::size_t> ends{0};
    for (const Message& message : messages(stream)) {
        ends.push_back(ends.back() + 5 + message.body.size());
    }
    ends.pop_back();
    for (const std::size_t end : ends) {
        ServerLink link(secret_of("pencil"));
        EXPECT_EQ(
            link.receive(stream.substr(0, end) + error("53300", "sorry, too many clients already")),
            Step::Failed
        );
        const ServerLoginFailure& failure = link.login.failure();
        EXPECT_TRUE(failure.is_servers);
        EXPECT_EQ(failure.severity, "FATAL");
        EXPECT_EQ(failure.sql_state, "53300");
        EXPECT_EQ(failure.message, "sorry, too many clients already");
    }
}

TEST(ServerLogin, AdmitsErrorsThatSayLittleOrMuch) {
    const ServerLoginFailure little = failure_of(message('E', bytes("\0")));
    EXPECT_TRUE(little.is_servers);
    EXPECT_EQ(little.severity, "FATAL");
    EXPECT_EQ(little.sql_state, "08000");
    EXPECT_NE(little.message, "");
    EXPECT_EQ(failure_of(message('E', "")).sql_state, "08000");
    const ServerLoginFailure much = failure_of(error("28000", std::string(60'000, 'x')));
    EXPECT_EQ(much.message.size(), 60'000U);
    EXPECT_EQ(failure_of(error("28000", std::string(70'000, 'x'))).sql_state, "08P01");
}

TEST(ServerLogin, NoChangedByteOfAScramExchangeIsBelieved) {
    const std::string stream = scram_stream("pencil", secret_of("pencil"));
    for (std::size_t i = 0; i < stream.size(); ++i) {
        for (const int flip : {1, 0x20, 0x80, 0xff}) {
            std::string changed = stream + settled();
            changed[i] = static_cast<char>(changed[i] ^ flip);
            ServerLink link(secret_of("pencil"));
            EXPECT_NE(link.receive(changed), Step::Ready) << i;
        }
    }
}

TEST(ServerLogin, DoesNotBelieveAServerThatBreaksScramOff) {
    const std::string stream = scram_stream("pencil", secret_of("pencil"));
    for (std::size_t size = sasl().size(); size < stream.size(); ++size) {
        ServerLink link(secret_of("pencil"));
        EXPECT_EQ(link.receive(stream.substr(0, size)), Step::NeedMore);
        EXPECT_NE(link.receive(settled()), Step::Ready) << size;
    }
    EXPECT_NE(
        failure_of(sasl() + settled(), secret_of("pencil")).message.find("has not proved"),
        std::string::npos
    );
}

TEST(ServerLogin, RefusesWhatDoesNotBelong) {
    const std::string md5 = auth(Authentication::MD5Password, "salt");
    for (const std::string& stream :
         {ready,
          parameter("a", "b"),
          message('K', bytes("\0\0\0\1key!")),
          message('T', ""),
          message('x', ""),
          message('R', ""),
          message('R', "abc"),
          auth(Authentication::SASLContinue, "r=x,s=eA==,i=1"),
          auth(Authentication::SASLFinal, "v="),
          auth(Authentication{7}),
          auth(Authentication{2}),
          auth(Authentication::MD5Password, "sal"),
          auth(Authentication::MD5Password, "salty"),
          md5 + md5,
          md5 + sasl(),
          md5 + auth(Authentication::CleartextPassword),
          md5 + message('v', bytes("\0\3\0\0\0\0\0\0")),
          auth(Authentication::SASL, "SCRAM-SHA-256"),
          auth(Authentication::SASL, bytes("SCRAM-SHA-256\0")),
          auth(Authentication::SASL, bytes("SCRAM-SHA-256\0\0x")),
          auth(Authentication::SASL, bytes("\0")),
          auth(Authentication::SASL, bytes("SCRAM-SHA-256-PLUS\0\0")),
          auth(Authentication::Ok) + auth(Authentication::Ok),
          auth(Authentication::Ok) + message('S', "x"),
          auth(Authentication::Ok) + message('S', bytes("x\0")),
          auth(Authentication::Ok) + message('S', bytes("\0x\0")),
          auth(Authentication::Ok) + message('S', bytes("x\0y\0z")),
          auth(Authentication::Ok) + message('K', bytes("\0\0\0\1")),
          auth(Authentication::Ok) + message(
                                         'K',
                                         bytes("\0\0\0\1"
                                               "abc")
                                     ),
          auth(Authentication::Ok) + message('K', bytes("\0\0\0\1") + std::string(257, 'k')),
          auth(Authentication::Ok) + message('Z', "T"),
          auth(Authentication::Ok) + message('Z', "E"),
          auth(Authentication::Ok) + message('Z', ""),
          auth(Authentication::Ok) + message('Z', "II"),
          auth(Authentication::Ok) + message('T', ""),
          auth(Authentication::Ok) + message('v', bytes("\0\3\0\0\0\0\0\0")),
          bytes("R\0\0\0\x03"),
          bytes("R\xff\xff\xff\xff"),
          bytes("R\0\0\x40\x05"),
          bytes("HTTP/1.1 400 Bad Request\r\n")}) {
        SCOPED_TRACE(stream);
        const ServerLoginFailure failure = failure_of(stream, secret_of("pencil"));
        EXPECT_FALSE(failure.is_servers);
        EXPECT_TRUE(failure.sql_state == "08P01" || failure.sql_state == "0A000");
        EXPECT_TRUE(failure.message.starts_with("the server ")) << failure.message;
    }
}

TEST(ServerLogin, BoundsWhatTheServerReports) {
    ServerLink link(secret_of(""));
    EXPECT_EQ(link.receive(auth(Authentication::Ok)), Step::NeedMore);
    Step step = Step::NeedMore;
    int reports = 0;
    for (; step == Step::NeedMore && reports < 10'000; ++reports) {
        step = link.receive(parameter("name", std::string(1000, 'v')));
    }
    EXPECT_EQ(step, Step::Failed);
    EXPECT_LT(reports, 70);
}

TEST(ServerLogin, ReadyWithoutCancelKey) {
    ServerLink link(secret_of(""));
    EXPECT_EQ(link.receive(auth(Authentication::Ok) + ready), Step::Ready);
    EXPECT_EQ(link.login.take_result().cancel_key, "");
}

TEST(ServerLogin, TakesLongCancelKeys) {
    ServerLink link(secret_of(""));
    const std::string key(256, 'k');
    EXPECT_EQ(
        link.receive(auth(Authentication::Ok) + message('K', bytes("\0\0\0\1") + key) + ready),
        Step::Ready
    );
    EXPECT_EQ(link.login.take_result().cancel_key, key);
}

TEST(ServerLogin, FollowsTheServersProtocolVersion) {
    for (const std::string& version : {bytes("\0\3\0\0"), bytes("\0\0\0\0")}) {
        ServerLink link(secret_of(""), ServerTls::Disable, 2);
        EXPECT_EQ(wire::read_startup(link.out).protocol_minor, 2U);
        EXPECT_EQ(link.receive(message('v', version + bytes("\0\0\0\0")) + settled()), Step::Ready);
        EXPECT_EQ(link.login.take_result().protocol_minor, 0U);
    }
    ServerLink same(secret_of(""), ServerTls::Disable, 2);
    EXPECT_EQ(same.receive(settled()), Step::Ready);
    EXPECT_EQ(same.login.take_result().protocol_minor, 2U);
    for (const std::string& body :
         {bytes("\0\3\0\2\0\0\0\0"),
          bytes("\0\3\0\3\0\0\0\0"),
          bytes("\0\2\0\0\0\0\0\0"),
          bytes("\0\3\0\0\0\0\0\1_pq_.x\0"),
          bytes("\0\3\0\0\0\0\0"),
          bytes("")}) {
        ServerLink link(secret_of(""), ServerTls::Disable, 2);
        EXPECT_EQ(link.receive(message('v', body)), Step::Failed);
    }
    ServerLink twice(secret_of(""), ServerTls::Disable, 2);
    const std::string negotiate = message('v', bytes("\0\3\0\0\0\0\0\0"));
    EXPECT_EQ(twice.receive(negotiate + negotiate), Step::Failed);
}

TEST(ServerLogin, AsksForTlsAndGoesOnInIt) {
    for (const ServerTls tls : {ServerTls::Prefer, ServerTls::Require}) {
        ServerLink link(secret_of(""), tls);
        EXPECT_EQ(link.take_out(), bytes("\0\0\0\x08\x04\xd2\x16\x2f"));
        EXPECT_EQ(link.receive(""), Step::NeedMore);
        EXPECT_EQ(link.receive("S"), Step::StartTls);
        EXPECT_EQ(link.out, "");
        link.login.tls_established(link.out);
        EXPECT_EQ(wire::read_startup(link.take_out()).kind, wire::StartupKind::StartupMessage);
        EXPECT_EQ(link.receive(settled()), Step::Ready);
    }
}

TEST(ServerLogin, GoesOnWithoutTlsIfItIsOnlyPreferred) {
    ServerLink prefer(secret_of(""), ServerTls::Prefer);
    prefer.take_out();
    EXPECT_EQ(prefer.receive("N"), Step::NeedMore);
    EXPECT_EQ(wire::read_startup(prefer.take_out()).kind, wire::StartupKind::StartupMessage);
    EXPECT_EQ(prefer.receive(settled()), Step::Ready);

    ServerLink require(secret_of(""), ServerTls::Require);
    require.take_out();
    EXPECT_EQ(require.receive("N"), Step::Failed);
    EXPECT_EQ(require.out, "");
    EXPECT_NE(require.login.failure().message.find("requires it"), std::string::npos);
}

TEST(ServerLogin, RefusesOtherAnswersToSslRequest) {
    struct Case {
        std::string answer;
        std::string_view words;
    };
    for (const Case& c : std::initializer_list<Case>{
             {"Sx", "unencrypted data"},
             {"Nx", "unencrypted data"},
             {error("53300", "do not show this"), "answered SSLRequest with an error"},
             {"x", "'x'"},
             {bytes("\0"), "byte 0"},
         }) {
        ServerLink link(secret_of(""), ServerTls::Prefer);
        EXPECT_EQ(link.receive(c.answer), Step::Failed);
        const ServerLoginFailure& failure = link.login.failure();
        EXPECT_FALSE(failure.is_servers);
        EXPECT_NE(failure.message.find(c.words), std::string::npos) << failure.message;
        EXPECT_EQ(failure.message.find("do not show"), std::string::npos) << failure.message;
    }
}

}  // namespace
}  // namespace penstock::session
