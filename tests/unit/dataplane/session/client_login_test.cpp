#include "dataplane/session/client_login.hpp"

#include "dataplane/wire/authentication.hpp"
#include "dataplane/wire/digest.hpp"
#include "dataplane/wire/error_response.hpp"
#include "dataplane/wire/md5.hpp"
#include "dataplane/wire/scram_client.hpp"
#include "tests/support/every_split.hpp"
#include "tests/support/messages.hpp"

#include <gtest/gtest.h>

namespace penstock::session {
namespace {

using test::bytes;
using Step = ClientLoginStep;
using Auth = ClientAuthentication;

constexpr ClientLoginRandom random_bytes{
    {'1', '2', '3', '4', '5', '6', '7', '8', '9', '0', '1', '2', '3', '4', '5', '6', '7', '8'},
    {'s', 'a', 'l', 't'}};

wire::UserTable users_of(std::initializer_list<std::pair<std::string_view, std::string>> list) {
    wire::UserTable users;
    for (const auto& [user, secret] : list) users.add(user, wire::read_secret(secret).value());
    return users;
}

std::string verifier_text(std::string_view password) {
    return wire::to_string(wire::scram_verifier(wire::scram_keys(password, "stored salt", 10)));
}

// A client link whose bytes the test writes.
class Link {
 public:
    Link(ClientLoginSettings settings, wire::UserTable users)
        : settings_(std::move(settings)), users_(std::move(users)) {}

    Step receive(std::string_view piece) {
        in_ += piece;
        std::size_t consumed = 0;
        const Step step = login.feed(in_, out, consumed);
        EXPECT_LE(consumed, in_.size());
        in_.erase(0, consumed);
        return step;
    }
    Step receive_all(const std::vector<std::string_view>& pieces) {
        Step step = Step::NeedMore;
        for (const std::string_view piece : pieces) {
            EXPECT_EQ(step, Step::NeedMore);
            step = receive(piece);
            if (step != Step::NeedMore) break;
        }
        return step;
    }
    const std::string& left() const { return in_; }
    std::string take_out() { return std::exchange(out, {}); }

 private:
    const ClientLoginSettings settings_;
    const wire::UserTable users_;
    std::string in_;

 public:
    ClientLogin login{settings_, users_, random_bytes};
    std::string out;
};

Link link(Auth authentication, wire::UserTable users = {}, ClientTls tls = ClientTls::Disable) {
    return {
        {.authentication = authentication,
         .tls = tls,
         .mock_secret = "process",
         .scram_iterations = 10},
        std::move(users)};
}

std::string startup(const wire::Parameters& parameters, std::uint32_t minor = 0) {
    std::string out;
    wire::write_startup_message(out, minor, parameters);
    return out;
}

std::string ssl_request() {
    std::string out;
    wire::write_ssl_request(out);
    return out;
}

const std::string gssenc_request = bytes("\0\0\0\x08\x04\xd2\x16\x30");

// The one FATAL at the end of `out`: "SQLSTATE message".
std::string fatal(std::string_view out) {
    const auto all = test::messages(out);
    if (all.empty() || all.back().type != 'E') return "no error in: " + std::string{out};
    const wire::ErrorFields fields = wire::read_error(all.back().body);
    EXPECT_EQ(fields.severity, "FATAL");
    return std::string{fields.sql_state} + " " + std::string{fields.message};
}

// The bytes that a client with this password sends in a SCRAM login, startup and all. The nonces
// are fixed, so they are the same for each login.
std::string scram_stream(
    std::string_view user, std::string_view password, const wire::UserTable& users
) {
    Link probe = link(Auth::ScramSha256, users);
    std::string stream = startup({{"user", std::string{user}}});
    wire::ScramClient client{std::string{password}, std::nullopt, "clientnonce"};
    wire::write_sasl_initial_response(stream, wire::scram_sha_256, client.first());
    EXPECT_EQ(probe.receive(stream), Step::NeedMore);
    const auto answers = test::messages(probe.out);
    EXPECT_EQ(answers.size(), 2U);
    const auto final = client.final(std::string_view{answers.at(1).body}.substr(4));
    wire::write_sasl_response(stream, final.value());
    return stream;
}

TEST(ClientLogin, TrustAdmitsEveryoneWhenThereIsNoTable) {
    const std::string stream = startup(
        {{"user", "app"},
         {"database", "orders"},
         {"application_name", "shop"},
         {"options", "-c a=b"}}
    );
    test::for_each_split(stream, [&](const std::vector<std::string_view>& pieces) {
        Link client = link(Auth::Trust);
        ASSERT_EQ(client.receive_all(pieces), Step::Authenticated);
        EXPECT_EQ(client.out, bytes("R\0\0\0\x08\0\0\0\0"));
        const LoginRequest request = client.login.take_request();
        EXPECT_EQ(request.user, "app");
        EXPECT_EQ(request.database, "orders");
        EXPECT_EQ(
            request.parameters,
            (wire::Parameters{{"application_name", "shop"}, {"options", "-c a=b"}})
        );
        EXPECT_EQ(request.replication, Replication::None);
        EXPECT_EQ(request.scram_keys, std::nullopt);
    });
}

TEST(ClientLogin, LeavesWhatFollowsTheLogin) {
    Link client = link(Auth::Trust);
    EXPECT_EQ(client.receive(startup({{"user", "app"}}) + "Qmore"), Step::Authenticated);
    EXPECT_EQ(client.left(), "Qmore");
}

TEST(ClientLogin, TrustAdmitsOnlyUsersOfTheTable) {
    Link known = link(Auth::Trust, users_of({{"app", ""}}));
    EXPECT_EQ(known.receive(startup({{"user", "app"}})), Step::Authenticated);
    Link unknown = link(Auth::Trust, users_of({{"app", ""}}));
    EXPECT_EQ(unknown.receive(startup({{"user", "other"}})), Step::Close);
    EXPECT_EQ(fatal(unknown.out), "28000 role \"other\" does not exist");
}

TEST(ClientLogin, DatabaseIsTheUserUnlessItIsGiven) {
    for (const wire::Parameters& parameters :
         {wire::Parameters{{"user", "app"}}, wire::Parameters{{"user", "app"}, {"database", ""}}}) {
        Link client = link(Auth::Trust);
        EXPECT_EQ(client.receive(startup(parameters)), Step::Authenticated);
        EXPECT_EQ(client.login.request().database, "app");
    }
}

TEST(ClientLogin, RefusesAnEmptyUser) {
    for (const wire::Parameters& parameters :
         {wire::Parameters{},
          wire::Parameters{{"user", ""}},
          wire::Parameters{{"database", "x"}}}) {
        for (const Auth method : {Auth::Trust, Auth::Md5, Auth::ScramSha256}) {
            Link client = link(method);
            EXPECT_EQ(client.receive(startup(parameters)), Step::Close);
            EXPECT_EQ(
                fatal(client.out), "28000 no PostgreSQL user name specified in startup packet"
            );
        }
    }
}

TEST(ClientLogin, Md5AdmitsPlainAndHashedSecrets) {
    for (const std::string& secret : {std::string{"pencil"}, wire::md5_secret("pencil", "app")}) {
        std::string stream = startup({{"user", "app"}});
        wire::write_password_message(
            stream, wire::md5_response(wire::md5_secret("pencil", "app"), "salt")
        );
        test::for_each_split(stream, [&](const std::vector<std::string_view>& pieces) {
            Link client = link(Auth::Md5, users_of({{"app", secret}}));
            ASSERT_EQ(client.receive_all(pieces), Step::Authenticated);
            EXPECT_EQ(
                client.out, bytes("R\0\0\0\x0c\0\0\0\x05salt") + bytes("R\0\0\0\x08\0\0\0\0")
            );
        });
    }
}

TEST(ClientLogin, Md5RefusesEverythingElseAlike) {
    const wire::UserTable users = users_of({{"app", "pencil"}, {"none", ""}});
    const std::string right = wire::md5_response(wire::md5_secret("pencil", "app"), "salt");
    struct Case {
        std::string user;
        std::string answer;
    };
    for (const Case& c : std::initializer_list<Case>{
             {"app", ""},
             {"app", "pencil"},
             {"app", right.substr(1)},
             {"app", right + "x"},
             {"app", wire::md5_response(wire::md5_secret("pencil", "app"), "pepp")},
             {"none", ""},
             {"none", wire::md5_response(wire::md5_secret("", "none"), "salt")},
             {"ghost", ""},
             {"ghost", right},
         }) {
        SCOPED_TRACE(c.user + " " + c.answer);
        Link client = link(Auth::Md5, users);
        EXPECT_EQ(client.receive(startup({{"user", c.user}})), Step::NeedMore);
        EXPECT_EQ(client.take_out(), bytes("R\0\0\0\x0c\0\0\0\x05salt"));
        std::string message;
        wire::write_password_message(message, c.answer);
        EXPECT_EQ(client.receive(message), Step::Close);
        EXPECT_EQ(
            fatal(client.out), "28P01 password authentication failed for user \"" + c.user + "\""
        );
    }
}

TEST(ClientLogin, Md5TurnsToScramForStoredVerifiersAndForUnknownUsersBesideThem) {
    const wire::UserTable users = users_of({{"app", verifier_text("pencil")}, {"old", "plain"}});
    Link known = link(Auth::Md5, users);
    EXPECT_EQ(known.receive(scram_stream("app", "pencil", users)), Step::Authenticated);
    Link plain = link(Auth::Md5, users);
    EXPECT_EQ(plain.receive(startup({{"user", "old"}})), Step::NeedMore);
    EXPECT_EQ(plain.out, bytes("R\0\0\0\x0c\0\0\0\x05salt"));
    Link unknown = link(Auth::Md5, users);
    EXPECT_EQ(unknown.receive(startup({{"user", "ghost"}})), Step::NeedMore);
    EXPECT_EQ(unknown.out, test::message('R', bytes("\0\0\0\x0aSCRAM-SHA-256\0\0")));
}

TEST(ClientLogin, ScramAdmitsVerifiersAndPlainPasswords) {
    wire::UserTable prepared = users_of({{"app", "pencil"}});
    prepared.make_verifiers("process", 10);
    for (const wire::UserTable& users :
         {users_of({{"app", verifier_text("pencil")}}), users_of({{"app", "pencil"}}), prepared}) {
        const std::string stream = scram_stream("app", "pencil", users);
        test::for_each_split(stream, [&](const std::vector<std::string_view>& pieces) {
            Link client = link(Auth::ScramSha256, users);
            ASSERT_EQ(client.receive_all(pieces), Step::Authenticated);
            EXPECT_EQ(test::types(client.out), "RRRR");
            EXPECT_TRUE(client.out.ends_with(bytes("R\0\0\0\x08\0\0\0\0")));
            EXPECT_EQ(client.left(), "");
        });
    }
}

// Only keys of the server's own verifier log in at the server.
TEST(ClientLogin, YieldsKeysOfStoredVerifiersOnly) {
    for (const bool is_stored : {true, false}) {
        const wire::UserTable users =
            users_of({{"app", is_stored ? verifier_text("pencil") : "pencil"}});
        Link client = link(Auth::ScramSha256, users);
        ASSERT_EQ(client.receive(scram_stream("app", "pencil", users)), Step::Authenticated);
        const std::optional<wire::ScramKeys> keys = client.login.take_request().scram_keys;
        ASSERT_EQ(keys.has_value(), is_stored);
        if (!is_stored) continue;
        EXPECT_EQ(keys, wire::scram_keys("pencil", "stored salt", 10));
    }
}

TEST(ClientLogin, ScramAdmitsAClientThatSaysItsFirstMessageLater) {
    const wire::UserTable users = users_of({{"app", "pencil"}});
    Link client = link(Auth::ScramSha256, users);
    EXPECT_EQ(client.receive(startup({{"user", "app"}})), Step::NeedMore);
    client.take_out();
    EXPECT_EQ(
        client.receive(test::message('p', bytes("SCRAM-SHA-256\0\xff\xff\xff\xff"))), Step::NeedMore
    );
    EXPECT_EQ(client.take_out(), bytes("R\0\0\0\x08\0\0\0\x0b"));
    wire::ScramClient scram{"pencil", std::nullopt, "clientnonce"};
    EXPECT_EQ(client.receive(test::message('p', scram.first())), Step::NeedMore);
    const std::string challenge = client.take_out().substr(9);
    EXPECT_EQ(
        client.receive(test::message('p', scram.final(challenge).value())), Step::Authenticated
    );
}

TEST(ClientLogin, ScramShowsUnknownUsersWhatItShowsKnownOnes) {
    const wire::UserTable users =
        users_of({{"app", "pencil"}, {"none", ""}, {"hashed", wire::md5_secret("pencil", "hashed")}}
        );
    for (const std::string user : {"app", "none", "hashed", "ghost"}) {
        SCOPED_TRACE(user);
        const std::string stream = scram_stream(user, "wrong", users);
        EXPECT_EQ(stream, scram_stream(user, "wrong", users));
        Link client = link(Auth::ScramSha256, users);
        EXPECT_EQ(client.receive(stream), Step::Close);
        EXPECT_EQ(test::types(client.out), "RRE");
        EXPECT_EQ(
            fatal(client.out), "28P01 password authentication failed for user \"" + user + "\""
        );
        // Iterations and length of the salt are the same for all.
        const std::string challenge = test::messages(client.out).at(1).body;
        EXPECT_TRUE(challenge.ends_with("==,i=10")) << challenge;
        EXPECT_NE(
            challenge.find(wire::to_base64(wire::scram_salt("process", user))), std::string::npos
        );
    }
}

TEST(ClientLogin, NoChangedByteOfAScramExchangeAuthenticates) {
    const wire::UserTable users = users_of({{"app", verifier_text("pencil")}});
    const std::string stream = scram_stream("app", "pencil", users);
    for (std::size_t i = startup({{"user", "app"}}).size(); i < stream.size(); ++i) {
        for (const int flip : {1, 0x20, 0x80, 0xff}) {
            std::string changed = stream;
            changed[i] = static_cast<char>(changed[i] ^ flip);
            Link client = link(Auth::ScramSha256, users);
            EXPECT_NE(client.receive(changed), Step::Authenticated) << i;
        }
    }
}

TEST(ClientLogin, RefusesBadAnswers) {
    struct Case {
        Auth method;
        std::string answer;
        std::string_view error;
    };
    const std::string oversize = bytes("p\0\0\x10\x05");
    for (const Case& c : std::initializer_list<Case>{
             {Auth::Md5, "Q", "08P01 expected password response, got message type 81"},
             {Auth::Md5, bytes("p\0\0\0\x03"), "08P01 invalid message length"},
             {Auth::Md5, oversize, "08P01 invalid message length"},
             {Auth::Md5, bytes("p\xff\xff\xff\xff"), "08P01 invalid message length"},
             {Auth::Md5, bytes("p\0\0\0\x04"), "08P01 invalid password packet size"},
             {Auth::Md5,
              bytes("p\0\0\0\x07"
                    "abc"),
              "08P01 invalid password packet size"},
             {Auth::Md5,
              bytes("p\0\0\0\x08"
                    "a\0b\0"),
              "08P01 invalid password packet size"},
             {Auth::ScramSha256, "Q", "08P01 expected SASL response, got message type 81"},
             {Auth::ScramSha256, oversize, "08P01 invalid message length"},
             {Auth::ScramSha256,
              test::message('p', ""),
              "08P01 malformed SASLInitialResponse message"},
             {Auth::ScramSha256,
              test::message('p', "SCRAM-SHA-256"),
              "08P01 malformed SASLInitialResponse message"},
             {Auth::ScramSha256,
              test::message('p', bytes("SCRAM-SHA-256\0\0\0")),
              "08P01 malformed SASLInitialResponse message"},
             {Auth::ScramSha256,
              test::message('p', bytes("SCRAM-SHA-256\0\0\0\0\x09n,,")),
              "08P01 malformed SASLInitialResponse message"},
             {Auth::ScramSha256,
              test::message('p', bytes("SCRAM-SHA-256\0\xff\xff\xff\xffx")),
              "08P01 malformed SASLInitialResponse message"},
             {Auth::ScramSha256,
              test::message('p', bytes("SCRAM-SHA-256-PLUS\0\0\0\0\0")),
              "08P01 client selected an invalid SASL authentication mechanism"},
             {Auth::ScramSha256,
              test::message('p', bytes("SCRAM-SHA-256\0\0\0\0\0")),
              "08P01 malformed SCRAM message"},
             {Auth::ScramSha256,
              test::message('p', bytes("SCRAM-SHA-256\0\0\0\0\x0en,a=root,n=,r=")),
              "0A000 unsupported SCRAM message"},
         }) {
        SCOPED_TRACE(c.error);
        Link client = link(c.method, users_of({{"app", "pencil"}}));
        EXPECT_EQ(client.receive(startup({{"user", "app"}})), Step::NeedMore);
        client.take_out();
        EXPECT_EQ(client.receive(c.answer), Step::Close);
        EXPECT_EQ(fatal(client.out), c.error);
    }
}

TEST(ClientLogin, ATerminateInsteadOfAPasswordEndsSilently) {
    for (const Auth method : {Auth::Md5, Auth::ScramSha256}) {
        Link client = link(method, users_of({{"app", "pencil"}}));
        EXPECT_EQ(client.receive(startup({{"user", "app"}})), Step::NeedMore);
        client.take_out();
        EXPECT_EQ(client.receive(bytes("X\0\0\0\x04")), Step::Close);
        EXPECT_EQ(client.out, "");
    }
}

// The stream is cut at each byte and goes on with something else.
TEST(ClientLogin, FailsCleanlyAtEachStep) {
    const wire::UserTable users = users_of({{"app", verifier_text("pencil")}});
    const std::string stream = scram_stream("app", "pencil", users);
    for (const std::string& rubbish :
         {std::string(20'000, 'x'), std::string(20'000, '\0'), std::string(20'000, '\xff')}) {
        for (std::size_t size = 0; size < stream.size(); ++size) {
            Link client = link(Auth::ScramSha256, users);
            EXPECT_EQ(client.receive(stream.substr(0, size)), Step::NeedMore);
            client.take_out();
            EXPECT_EQ(client.receive(rubbish), Step::Close) << size;
            EXPECT_TRUE(
                fatal(client.out).starts_with("08P01") || fatal(client.out).starts_with("0A000")
            ) << fatal(client.out);
        }
    }
}

TEST(ClientLogin, AnswersEncryptionRequestsOnceEach) {
    Link client = link(Auth::Trust);
    EXPECT_EQ(client.receive(gssenc_request), Step::NeedMore);
    EXPECT_EQ(client.take_out(), "N");
    EXPECT_EQ(client.receive(ssl_request()), Step::NeedMore);
    EXPECT_EQ(client.take_out(), "N");
    EXPECT_EQ(client.receive(startup({{"user", "app"}})), Step::Authenticated);

    for (const std::string& request : {ssl_request(), gssenc_request}) {
        Link again = link(Auth::Trust);
        EXPECT_EQ(again.receive(request), Step::NeedMore);
        again.take_out();
        EXPECT_EQ(again.receive(request), Step::Close);
        EXPECT_TRUE(fatal(again.out).starts_with("08P01")) << fatal(again.out);
    }
}

TEST(ClientLogin, RefusesBytesBehindEncryptionRequests) {
    for (const ClientTls tls : {ClientTls::Disable, ClientTls::Allow, ClientTls::Require}) {
        Link ssl = link(Auth::Trust, {}, tls);
        EXPECT_EQ(ssl.receive(ssl_request() + startup({{"user", "app"}})), Step::Close);
        EXPECT_EQ(fatal(ssl.out), "08P01 received unencrypted data after SSL request");
        Link gssenc = link(Auth::Trust, {}, tls);
        EXPECT_EQ(gssenc.receive(gssenc_request + "x"), Step::Close);
        EXPECT_EQ(
            fatal(gssenc.out), "08P01 received unencrypted data after GSSAPI encryption request"
        );
    }
}

TEST(ClientLogin, BeginsTlsWhenItIsAsked) {
    for (const ClientTls tls : {ClientTls::Allow, ClientTls::Require}) {
        test::for_each_split(ssl_request(), [&](const std::vector<std::string_view>& pieces) {
            Link client = link(Auth::Trust, {}, tls);
            ASSERT_EQ(client.receive_all(pieces), Step::StartTls);
            EXPECT_EQ(client.take_out(), "S");
            EXPECT_FALSE(client.login.is_direct_tls());
            client.login.tls_established();
            EXPECT_EQ(client.receive(startup({{"user", "app"}})), Step::Authenticated);
        });
    }
}

TEST(ClientLogin, RefusesEncryptionRequestsInsideTls) {
    for (const std::string& request : {ssl_request(), gssenc_request}) {
        Link client = link(Auth::Trust, {}, ClientTls::Allow);
        EXPECT_EQ(client.receive(ssl_request()), Step::StartTls);
        client.take_out();
        client.login.tls_established();
        EXPECT_EQ(client.receive(request), Step::Close);
        EXPECT_TRUE(fatal(client.out).starts_with("08P01")) << fatal(client.out);
    }
}

TEST(ClientLogin, RequiredTlsIsSaidBeforeAnythingElse) {
    Link client = link(Auth::ScramSha256, {}, ClientTls::Require);
    EXPECT_EQ(client.receive(startup({{"user", "app"}, {"database", "d"}})), Step::Close);
    EXPECT_EQ(
        fatal(client.out),
        "28000 connection refused for user \"app\", database \"d\", no encryption"
    );
    Link empty = link(Auth::ScramSha256, {}, ClientTls::Require);
    EXPECT_EQ(empty.receive(startup({})), Step::Close);
    EXPECT_NE(fatal(empty.out).find("no encryption"), std::string::npos);
}

TEST(ClientLogin, DirectTlsStartsOrIsRefusedAsTlsUnderstands) {
    Link client = link(Auth::Trust, {}, ClientTls::Allow);
    EXPECT_EQ(client.receive("\x16\x03\x01rest"), Step::StartTls);
    EXPECT_TRUE(client.login.is_direct_tls());
    EXPECT_EQ(client.out, "");
    EXPECT_EQ(client.left(), "\x16\x03\x01rest");

    Link refused = link(Auth::Trust);
    EXPECT_EQ(refused.receive("\x16"), Step::Close);
    EXPECT_EQ(refused.out, bytes("\x15\x03\x01\0\x02\x02\x28"));

    Link late = link(Auth::Trust);
    EXPECT_EQ(late.receive(ssl_request()), Step::NeedMore);
    late.take_out();
    EXPECT_EQ(late.receive("\x16"), Step::Close);
    EXPECT_EQ(fatal(late.out), "08P01 invalid length of startup packet");
}

TEST(ClientLogin, TakesCancelRequestsInEveryState) {
    std::string cancel;
    wire::write_cancel_request(cancel, 99, std::string(32, 'k'));
    const auto expect_cancel = [&cancel](Link client) {
        EXPECT_EQ(client.receive(cancel), Step::Cancel);
        EXPECT_EQ(client.out, "");
        EXPECT_EQ(client.login.cancel_request().process_id, 99U);
        EXPECT_EQ(client.login.cancel_request().key, std::string(32, 'k'));
    };
    test::for_each_split(cancel, [](const std::vector<std::string_view>& pieces) {
        Link client = link(Auth::ScramSha256);
        EXPECT_EQ(client.receive_all(pieces), Step::Cancel);
    });
    expect_cancel(link(Auth::ScramSha256));
    // Without encryption where it is required, too: PostgreSQL takes those.
    expect_cancel(link(Auth::ScramSha256, {}, ClientTls::Require));
    Link encrypted = link(Auth::ScramSha256, {}, ClientTls::Require);
    EXPECT_EQ(encrypted.receive(ssl_request()), Step::StartTls);
    encrypted.login.tls_established();
    encrypted.take_out();
    EXPECT_EQ(encrypted.receive(cancel), Step::Cancel);
}

TEST(ClientLogin, RefusesMalformedStartups) {
    Link client = link(Auth::Trust);
    EXPECT_EQ(client.receive("GET / HTTP/1.1\r\n\r\n"), Step::Close);
    EXPECT_EQ(fatal(client.out), "08P01 invalid length of startup packet");
    Link old = link(Auth::Trust);
    EXPECT_EQ(old.receive(bytes("\0\0\0\x09\0\x02\0\0\0")), Step::Close);
    EXPECT_EQ(
        fatal(old.out), "0A000 unsupported frontend protocol 2.0: server supports 3.0 to 3.2"
    );
}

TEST(ClientLogin, NegotiatesTheProtocolVersionBeforeAuthentication) {
    struct Case {
        std::uint32_t asked;
        std::uint32_t minor;
        wire::Parameters options;
        std::string answer;  // body of NegotiateProtocolVersion
    };
    for (const Case& c : std::initializer_list<Case>{
             {0, 0, {}, ""},
             {2, 2, {}, ""},
             {3, 2, {}, bytes("\0\x03\0\x02\0\0\0\0")},
             {9999, 2, {}, bytes("\0\x03\0\x02\0\0\0\0")},
             {0,
              0,
              {{"_pq_.x", "1"}, {"_pq_.y", ""}},
              bytes("\0\x03\0\0\0\0\0\x02_pq_.x\0_pq_.y\0")},
             {9999, 2, {{"_pq_.x", "1"}}, bytes("\0\x03\0\x02\0\0\0\x01_pq_.x\0")},
         }) {
        SCOPED_TRACE(c.asked);
        wire::Parameters parameters{{"user", "app"}, {"a", "b"}};
        parameters.insert(parameters.end(), c.options.begin(), c.options.end());
        Link client = link(Auth::Trust);
        EXPECT_EQ(client.receive(startup(parameters, c.asked)), Step::Authenticated);
        const std::string negotiate = c.answer.empty() ? "" : test::message('v', c.answer);
        EXPECT_EQ(client.out, negotiate + bytes("R\0\0\0\x08\0\0\0\0"));
        EXPECT_EQ(client.login.request().protocol_minor, c.minor);
        EXPECT_EQ(client.login.request().parameters, (wire::Parameters{{"a", "b"}}));
    }
}

TEST(ClientLogin, ReadsReplicationAsPostgresqlReadsBooleans) {
    struct Case {
        std::string_view text;
        std::optional<Replication> replication;
    };
    for (const Case& c : std::initializer_list<Case>{
             {"true", Replication::Physical},
             {"on", Replication::Physical},
             {"YES", Replication::Physical},
             {"1", Replication::Physical},
             {"t", Replication::Physical},
             {"database", Replication::Database},
             {"false", Replication::None},
             {"off", Replication::None},
             {"n", Replication::None},
             {"0", Replication::None},
             {"o", std::nullopt},
             {"", std::nullopt},
             {"truely", std::nullopt},
             {"2", std::nullopt},
             {"Database", std::nullopt},
         }) {
        SCOPED_TRACE(c.text);
        Link client = link(Auth::Trust);
        const Step step =
            client.receive(startup({{"user", "app"}, {"replication", std::string{c.text}}}));
        if (c.replication) {
            EXPECT_EQ(step, Step::Authenticated);
            EXPECT_EQ(client.login.request().replication, *c.replication);
        } else {
            EXPECT_EQ(step, Step::Close);
            EXPECT_EQ(
                fatal(client.out),
                "22023 invalid value for parameter \"replication\": \"" + std::string{c.text} + "\""
            );
        }
    }
}

TEST(ClientLogin, PasswordsMayBeLong) {
    const std::string password(5000, 'p');
    const wire::UserTable users = users_of({{"app", password}});
    Link client = link(Auth::ScramSha256, users);
    EXPECT_EQ(client.receive(scram_stream("app", password, users)), Step::Authenticated);
}

}  // namespace
}  // namespace penstock::session
