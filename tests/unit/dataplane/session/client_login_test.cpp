#include "dataplane/session/client_login.hpp"

#include "dataplane/wire/authentication.hpp"
#include "dataplane/wire/digest.hpp"
#include "dataplane/wire/md5.hpp"
#include "dataplane/wire/scram_client.hpp"
#include "tests/support/client_link.hpp"
#include "tests/support/every_split.hpp"
#include "tests/support/messages.hpp"

#include <gtest/gtest.h>

namespace penstock::session {
namespace {

using namespace test;
using Step = ClientLoginStep;
using Auth = ClientAuthentication;

// The bytes that a client with this password sends in a SCRAM login, startup and all. The nonces
// are fixed, so they are the same for each login.
std::string scram_stream(
    std::string_view user, std::string_view password, const wire::UserTable& users
) {
    ClientLink probe = client_link(Auth::ScramSha256, users);
    std::string stream = startup({{"user", std::string{user}}});
    wire::ScramClient client{std::string{password}, std::nullopt, "clientnonce"};
    wire::write_sasl_initial_response(stream, wire::scram_sha_256, client.first());
    EXPECT_EQ(probe.receive(stream), Step::NeedMore);
    const auto answers = messages(probe.out);
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
    for_each_split(stream, [&](const std::vector<std::string_view>& pieces) {
        ClientLink client = client_link(Auth::Trust);
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
    ClientLink client = client_link(Auth::Trust);
    EXPECT_EQ(client.receive(startup({{"user", "app"}}) + "Qmore"), Step::Authenticated);
    EXPECT_EQ(client.left(), "Qmore");
}

TEST(ClientLogin, TrustAdmitsOnlyUsersOfTheTable) {
    ClientLink known = client_link(Auth::Trust, users_of({{"app", ""}}));
    EXPECT_EQ(known.receive(startup({{"user", "app"}})), Step::Authenticated);
    ClientLink unknown = client_link(Auth::Trust, users_of({{"app", ""}}));
    EXPECT_EQ(unknown.receive(startup({{"user", "other"}})), Step::Close);
    EXPECT_EQ(fatal(unknown.out), "28000 role \"other\" does not exist");
}

TEST(ClientLogin, DatabaseIsTheUserUnlessItIsGiven) {
    for (const wire::Parameters& parameters :
         {wire::Parameters{{"user", "app"}}, wire::Parameters{{"user", "app"}, {"database", ""}}}) {
        ClientLink client = client_link(Auth::Trust);
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
            ClientLink client = client_link(method);
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
        for_each_split(stream, [&](const std::vector<std::string_view>& pieces) {
            ClientLink client = client_link(Auth::Md5, users_of({{"app", secret}}));
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
        ClientLink client = client_link(Auth::Md5, users);
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
    ClientLink known = client_link(Auth::Md5, users);
    EXPECT_EQ(known.receive(scram_stream("app", "pencil", users)), Step::Authenticated);
    ClientLink plain = client_link(Auth::Md5, users);
    EXPECT_EQ(plain.receive(startup({{"user", "old"}})), Step::NeedMore);
    EXPECT_EQ(plain.out, bytes("R\0\0\0\x0c\0\0\0\x05salt"));
    ClientLink unknown = client_link(Auth::Md5, users);
    EXPECT_EQ(unknown.receive(startup({{"user", "ghost"}})), Step::NeedMore);
    EXPECT_EQ(unknown.out, message('R', bytes("\0\0\0\x0aSCRAM-SHA-256\0\0")));
}

TEST(ClientLogin, ScramAdmitsVerifiersAndPlainPasswords) {
    wire::UserTable prepared = users_of({{"app", "pencil"}});
    prepared.prepare_verifiers("process", 10);
    for (const wire::UserTable& users :
         {users_of({{"app", verifier_text("pencil")}}), users_of({{"app", "pencil"}}), prepared}) {
        const std::string stream = scram_stream("app", "pencil", users);
        for_each_split(stream, [&](const std::vector<std::string_view>& pieces) {
            ClientLink client = client_link(Auth::ScramSha256, users);
            ASSERT_EQ(client.receive_all(pieces), Step::Authenticated);
            EXPECT_EQ(types(client.out), "RRRR");
            EXPECT_TRUE(client.out.ends_with(bytes("R\0\0\0\x08\0\0\0\0")));
            EXPECT_EQ(client.left(), "");
        });
    }
}

TEST(ClientLogin, KeysOfAPasswordInClearAreDerivedOnceForAllItsLogins) {
    wire::UserTable users = users_of({{"app", "pencil"}});
    users.prepare_verifiers("process", 10);
    for (const int derivations : {1, 0}) {
        ClientLink client = client_link(Auth::ScramSha256, users);
        ASSERT_EQ(client.receive(scram_stream("app", "pencil", users)), Step::Authenticated);
        EXPECT_EQ(client.derivations, derivations);
    }
    ClientLink unknown = client_link(Auth::ScramSha256, users);
    EXPECT_EQ(unknown.receive(startup({{"user", "ghost"}})), Step::NeedMore);
    EXPECT_EQ(unknown.derivations, 0);
}

// Only keys of the server's own verifier log in at the server.
TEST(ClientLogin, YieldsKeysOfStoredVerifiersOnly) {
    for (const bool is_stored : {true, false}) {
        const wire::UserTable users =
            users_of({{"app", is_stored ? verifier_text("pencil") : "pencil"}});
        ClientLink client = client_link(Auth::ScramSha256, users);
        ASSERT_EQ(client.receive(scram_stream("app", "pencil", users)), Step::Authenticated);
        const std::optional<wire::ScramKeys> keys = client.login.take_request().scram_keys;
        ASSERT_EQ(keys.has_value(), is_stored);
        if (!is_stored) continue;
        EXPECT_EQ(keys, wire::scram_keys("pencil", "stored salt", 10));
    }
}

TEST(ClientLogin, ScramAdmitsAClientThatSaysItsFirstMessageLater) {
    const wire::UserTable users = users_of({{"app", "pencil"}});
    ClientLink client = client_link(Auth::ScramSha256, users);
    EXPECT_EQ(client.receive(startup({{"user", "app"}})), Step::NeedMore);
    client.take_out();
    EXPECT_EQ(
        client.receive(message('p', bytes("SCRAM-SHA-256\0\xff\xff\xff\xff"))), Step::NeedMore
    );
    EXPECT_EQ(client.take_out(), bytes("R\0\0\0\x08\0\0\0\x0b"));
    wire::ScramClient scram{"pencil", std::nullopt, "clientnonce"};
    EXPECT_EQ(client.receive(message('p', scram.first())), Step::NeedMore);
    const std::string challenge = client.take_out().substr(9);
    EXPECT_EQ(client.receive(message('p', scram.final(challenge).value())), Step::Authenticated);
}

TEST(ClientLogin, ScramShowsUnknownUsersWhatItShowsKnownOnes) {
    const wire::UserTable users =
        users_of({{"app", "pencil"}, {"none", ""}, {"hashed", wire::md5_secret("pencil", "hashed")}}
        );
    for (const std::string user : {"app", "none", "hashed", "ghost"}) {
        SCOPED_TRACE(user);
        const std::string stream = scram_stream(user, "wrong", users);
        EXPECT_EQ(stream, scram_stream(user, "wrong", users));
        ClientLink client = client_link(Auth::ScramSha256, users);
        EXPECT_EQ(client.receive(stream), Step::Close);
        EXPECT_EQ(types(client.out), "RRE");
        EXPECT_EQ(
            fatal(client.out), "28P01 password authentication failed for user \"" + user + "\""
        );
        // Iterations and length of the salt are the same for all.
        const std::string challenge = messages(client.out).at(1).body;
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
            ClientLink client = client_link(Auth::ScramSha256, users);
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
             {Auth::Md5, bytes("p\0\0\0\x03"), ""},
             {Auth::Md5, oversize, ""},
             {Auth::Md5, bytes("p\xff\xff\xff\xff"), ""},
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
             {Auth::ScramSha256, oversize, ""},
             {Auth::ScramSha256, message('p', ""), "08P01 malformed SASLInitialResponse message"},
             {Auth::ScramSha256,
              message('p', "SCRAM-SHA-256"),
              "08P01 malformed SASLInitialResponse message"},
             {Auth::ScramSha256,
              message('p', bytes("SCRAM-SHA-256\0\0\0")),
              "08P01 malformed SASLInitialResponse message"},
             {Auth::ScramSha256,
              message('p', bytes("SCRAM-SHA-256\0\0\0\0\x09n,,")),
              "08P01 malformed SASLInitialResponse message"},
             {Auth::ScramSha256,
              message('p', bytes("SCRAM-SHA-256\0\xff\xff\xff\xffx")),
              "08P01 malformed SASLInitialResponse message"},
             {Auth::ScramSha256,
              message('p', bytes("SCRAM-SHA-256-PLUS\0\0\0\0\0")),
              "08P01 client selected an invalid SASL authentication mechanism"},
             {Auth::ScramSha256,
              message('p', bytes("SCRAM-SHA-256\0\0\0\0\0")),
              "08P01 malformed SCRAM message"},
             {Auth::ScramSha256,
              message('p', bytes("SCRAM-SHA-256\0\0\0\0\x0en,a=root,n=,r=")),
              "0A000 unsupported SCRAM message"},
         }) {
        SCOPED_TRACE(c.error);
        ClientLink client = client_link(c.method, users_of({{"app", "pencil"}}));
        EXPECT_EQ(client.receive(startup({{"user", "app"}})), Step::NeedMore);
        client.take_out();
        EXPECT_EQ(client.receive(c.answer), Step::Close);
        EXPECT_EQ(client.out.empty() ? "" : fatal(client.out), c.error);
    }
}

TEST(ClientLogin, ATerminateInsteadOfAPasswordEndsSilently) {
    for (const Auth method : {Auth::Md5, Auth::ScramSha256}) {
        ClientLink client = client_link(method, users_of({{"app", "pencil"}}));
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
            ClientLink client = client_link(Auth::ScramSha256, users);
            EXPECT_EQ(client.receive(stream.substr(0, size)), Step::NeedMore);
            client.take_out();
            EXPECT_EQ(client.receive(rubbish), Step::Close) << size;
            // Before the startup packet PostgreSQL closes without a word.
            EXPECT_TRUE(
                client.out.empty() || fatal(client.out).starts_with("08P01") ||
                fatal(client.out).starts_with("0A000")
            ) << fatal(client.out);
        }
    }
}

TEST(ClientLogin, PasswordsMayBeLong) {
    const std::string password(5000, 'p');
    const wire::UserTable users = users_of({{"app", password}});
    ClientLink client = client_link(Auth::ScramSha256, users);
    EXPECT_EQ(client.receive(scram_stream("app", password, users)), Step::Authenticated);
}

}  // namespace
}  // namespace penstock::session
