#include "dataplane/session/client_login.hpp"
#include "tests/support/client_link.hpp"
#include "tests/support/every_split.hpp"
#include "tests/support/messages.hpp"

#include <gtest/gtest.h>

namespace penstock::session {
namespace {

using namespace test;
using Step = ClientLoginStep;
using Auth = ClientAuthentication;

TEST(ClientLoginStartup, AnswersEncryptionRequestsOnceEach) {
    ClientLink client = client_link(Auth::Trust);
    EXPECT_EQ(client.receive(gssenc_request), Step::NeedMore);
    EXPECT_EQ(client.take_out(), "N");
    EXPECT_EQ(client.receive(ssl_request()), Step::NeedMore);
    EXPECT_EQ(client.take_out(), "N");
    EXPECT_EQ(client.receive(startup({{"user", "app"}})), Step::Authenticated);

    for (const std::string& request : {ssl_request(), gssenc_request}) {
        ClientLink again = client_link(Auth::Trust);
        EXPECT_EQ(again.receive(request), Step::NeedMore);
        again.take_out();
        EXPECT_EQ(again.receive(request), Step::Close);
        EXPECT_TRUE(fatal(again.out).starts_with("0A000")) << fatal(again.out);
    }
}

TEST(ClientLoginStartup, RefusesBytesBehindEncryptionRequests) {
    for (const ClientTls tls : {ClientTls::Disable, ClientTls::Allow, ClientTls::Require}) {
        ClientLink ssl = client_link(Auth::Trust, {}, tls);
        EXPECT_EQ(ssl.receive(ssl_request() + startup({{"user", "app"}})), Step::Close);
        EXPECT_EQ(fatal(ssl.out), "08P01 received unencrypted data after SSL request");
        ClientLink gssenc = client_link(Auth::Trust, {}, tls);
        EXPECT_EQ(gssenc.receive(gssenc_request + "x"), Step::Close);
        EXPECT_EQ(
            fatal(gssenc.out), "08P01 received unencrypted data after GSSAPI encryption request"
        );
    }
}

TEST(ClientLoginStartup, BeginsTlsWhenItIsAsked) {
    for (const ClientTls tls : {ClientTls::Allow, ClientTls::Require}) {
        for_each_split(ssl_request(), [&](const std::vector<std::string_view>& pieces) {
            ClientLink client = client_link(Auth::Trust, {}, tls);
            ASSERT_EQ(client.receive_all(pieces), Step::StartTls);
            EXPECT_EQ(client.take_out(), "S");
            EXPECT_FALSE(client.login.is_direct_tls());
            client.login.tls_established();
            EXPECT_EQ(client.receive(startup({{"user", "app"}})), Step::Authenticated);
        });
    }
}

TEST(ClientLoginStartup, RefusesEncryptionRequestsInsideTls) {
    for (const std::string& request : {ssl_request(), gssenc_request}) {
        ClientLink client = client_link(Auth::Trust, {}, ClientTls::Allow);
        EXPECT_EQ(client.receive(ssl_request()), Step::StartTls);
        client.take_out();
        client.login.tls_established();
        EXPECT_EQ(client.receive(request), Step::Close);
        EXPECT_TRUE(fatal(client.out).starts_with("0A000")) << fatal(client.out);
    }
}

TEST(ClientLoginStartup, RequiredTlsIsSaidBeforeAnythingElse) {
    ClientLink client = client_link(Auth::ScramSha256, {}, ClientTls::Require);
    EXPECT_EQ(client.receive(startup({{"user", "app"}, {"database", "d"}})), Step::Close);
    EXPECT_EQ(
        fatal(client.out),
        "28000 connection refused for user \"app\", database \"d\", no encryption"
    );
    ClientLink empty = client_link(Auth::ScramSha256, {}, ClientTls::Require);
    EXPECT_EQ(empty.receive(startup({})), Step::Close);
    EXPECT_NE(fatal(empty.out).find("no encryption"), std::string::npos);
}

TEST(ClientLoginStartup, DirectTlsStartsOrIsRefusedAsTlsUnderstands) {
    ClientLink client = client_link(Auth::Trust, {}, ClientTls::Allow);
    EXPECT_EQ(client.receive("\x16\x03\x01rest"), Step::StartTls);
    EXPECT_TRUE(client.login.is_direct_tls());
    EXPECT_EQ(client.out, "");
    EXPECT_EQ(client.left(), "\x16\x03\x01rest");

    ClientLink refused = client_link(Auth::Trust);
    EXPECT_EQ(refused.receive("\x16"), Step::Close);
    EXPECT_EQ(refused.out, bytes("\x15\x03\x01\0\x02\x02\x28"));

    ClientLink late = client_link(Auth::Trust);
    EXPECT_EQ(late.receive(ssl_request()), Step::NeedMore);
    late.take_out();
    EXPECT_EQ(late.receive("\x16"), Step::Close);
    EXPECT_EQ(late.out, "");
}

TEST(ClientLoginStartup, TakesCancelRequestsInEveryState) {
    std::string cancel;
    wire::write_cancel_request(cancel, 99, std::string(32, 'k'));
    const auto expect_cancel = [&cancel](ClientLink client) {
        EXPECT_EQ(client.receive(cancel), Step::Cancel);
        EXPECT_EQ(client.out, "");
        EXPECT_EQ(client.login.cancel_request().process_id, 99U);
        EXPECT_EQ(client.login.cancel_request().key, std::string(32, 'k'));
    };
    for_each_split(cancel, [](const std::vector<std::string_view>& pieces) {
        ClientLink client = client_link(Auth::ScramSha256);
        EXPECT_EQ(client.receive_all(pieces), Step::Cancel);
    });
    expect_cancel(client_link(Auth::ScramSha256));
    // Without encryption where it is required, too: PostgreSQL takes those.
    expect_cancel(client_link(Auth::ScramSha256, {}, ClientTls::Require));
    ClientLink encrypted = client_link(Auth::ScramSha256, {}, ClientTls::Require);
    EXPECT_EQ(encrypted.receive(ssl_request()), Step::StartTls);
    encrypted.login.tls_established();
    encrypted.take_out();
    EXPECT_EQ(encrypted.receive(cancel), Step::Cancel);
}

TEST(ClientLoginStartup, LongNamesAreCut) {
    const std::string name(63, 'n');
    ClientLink client = client_link(Auth::Trust, users_of({{name, "pencil"}}));
    EXPECT_EQ(
        client.receive(startup({{"user", name + "and more"}, {"database", name + "1"}})),
        Step::Authenticated
    );
    EXPECT_EQ(client.login.request().user, name);
    EXPECT_EQ(client.login.request().database, name);
    // In the middle of a character too, as PostgreSQL does before it knows an encoding.
    ClientLink two_bytes = client_link(Auth::Trust);
    const std::string umlauts = name.substr(1) + "\u00fc";
    EXPECT_EQ(two_bytes.receive(startup({{"user", umlauts}})), Step::Authenticated);
    EXPECT_EQ(two_bytes.login.request().user, umlauts.substr(0, 63));
    EXPECT_EQ(two_bytes.login.request().database, umlauts.substr(0, 63));
}

TEST(ClientLoginStartup, PeerThatLeavesOrTalksSomethingElseHearsNothing) {
    for (const std::string& first :
         {message('X', {}),
          bytes("\0\0\0\7"),
          std::string("GET / HTTP/1.1\r\n\r\n"),
          bytes("\0\0\0\x0c\x04\xd2\x16\x2e\0\0\0\1")}) {  // a CancelRequest without a key
        ClientLink client = client_link(Auth::Trust);
        EXPECT_FALSE(client.login.has_startup_message());
        EXPECT_EQ(client.receive(first), Step::Close);
        EXPECT_EQ(client.out, "");
        EXPECT_FALSE(client.login.has_startup_message());
    }
}

TEST(ClientLoginStartup, RefusesMalformedStartups) {
    ClientLink client = client_link(Auth::Trust);
    EXPECT_EQ(client.receive("GET / HTTP/1.1\r\n\r\n"), Step::Close);
    EXPECT_EQ(client.out, "");
    ClientLink old = client_link(Auth::Trust);
    EXPECT_EQ(old.receive(bytes("\0\0\0\x09\0\x02\0\0\0")), Step::Close);
    EXPECT_EQ(
        fatal(old.out), "0A000 unsupported frontend protocol 2.0: server supports 3.0 to 3.2"
    );
}

TEST(ClientLoginStartup, NegotiatesTheProtocolVersionBeforeAuthentication) {
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
        ClientLink client = client_link(Auth::Trust);
        EXPECT_EQ(client.receive(startup(parameters, c.asked)), Step::Authenticated);
        const std::string negotiate = c.answer.empty() ? "" : message('v', c.answer);
        EXPECT_EQ(client.out, negotiate + bytes("R\0\0\0\x08\0\0\0\0"));
        EXPECT_EQ(client.login.request().protocol_minor, c.minor);
        EXPECT_EQ(client.login.request().parameters, (wire::Parameters{{"a", "b"}}));
    }
}

TEST(ClientLoginStartup, ReadsReplicationAsPostgresqlReadsBooleans) {
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
        ClientLink client = client_link(Auth::Trust);
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

}  // namespace
}  // namespace penstock::session
