// Both logins against each other: what one proxy stores and asks for, and what another one in front
// of it has.
#include "dataplane/session/client_login.hpp"
#include "dataplane/session/server_login.hpp"
#include "dataplane/wire/md5.hpp"
#include "tests/support/client_link.hpp"
#include "tests/support/server_link.hpp"

#include <gtest/gtest.h>

namespace penstock::session {
namespace {

using namespace test;
using ServerStep = ServerLoginStep;

struct Ended {
    ServerLoginStep step = ServerLoginStep::NeedMore;
    std::string text;
    std::optional<wire::ScramKeys> clients_keys;
};

Ended play(ClientAuthentication method, std::string_view stored, ServerLoginSecret secret) {
    const ClientLoginSettings settings{
        .authentication = method, .tls = {}, .mock_secret = "process", .scram_iterations = 10};
    wire::UserTable users;
    users.add("app", wire::read_secret(stored).value());
    ClientLogin accepting(settings, users, {});
    ServerLink link(std::move(secret));
    std::string in = link.take_out();
    while (!in.empty()) {
        std::string out;
        std::size_t consumed = 0;
        ClientLoginStep accepted = accepting.feed(in, out, consumed);
        EXPECT_EQ(consumed, in.size());
        if (accepted == ClientLoginStep::DeriveKeys) {
            accepting.derived_verifier()->derive();
            accepted = accepting.keys_derived(out);
        }
        if (accepted == ClientLoginStep::Authenticated) {
            out += parameter("server_version", "17.0") + ready;
        }
        const ServerStep step = link.receive(out);
        if (step != ServerStep::NeedMore) {
            return {step, link.login.failure().message, accepting.request().scram_keys};
        }
        in = link.take_out();
    }
    return {};
}

TEST(Logins, AgreeOnEveryMethodAndSecret) {
    const std::string md5 = wire::md5_secret("pencil", "app");
    const std::string verifier = verifier_text("pencil");
    const std::optional<wire::ScramKeys> keys = wire::scram_keys("pencil", "stored salt", 10);
    using Method = ClientAuthentication;
    struct Case {
        Method method;
        std::string stored;
        std::string text;
        std::optional<wire::ScramKeys> keys;
        bool is_right;
    };
    std::vector<Case> cases;
    for (const std::string& stored : {std::string{}, std::string{"pencil"}, md5, verifier}) {
        for (const std::string& text :
             {std::string{}, std::string{"pencil"}, md5, verifier, std::string{"wrong"}}) {
            for (const bool has_keys : {false, true}) {
                const auto given = has_keys ? keys : std::nullopt;
                cases.push_back({Method::Trust, stored, text, given, true});
                const bool has_plain = text == "pencil";
                const bool is_scram =
                    stored == verifier ? has_plain || has_keys : stored == "pencil" && has_plain;
                cases.push_back({Method::ScramSha256, stored, text, given, is_scram});
                const bool is_md5 =
                    stored == verifier ? is_scram : !stored.empty() && (has_plain || text == md5);
                cases.push_back({Method::Md5, stored, text, given, is_md5});
            }
        }
    }
    for (const Case& c : cases) {
        SCOPED_TRACE(
            "method " + std::to_string(static_cast<int>(c.method)) + " stored " + c.stored +
            " given " + c.text + (c.keys ? " and keys" : "")
        );
        const Ended ended = play(c.method, c.stored, secret_of(c.text, c.keys));
        EXPECT_EQ(ended.step, c.is_right ? ServerStep::Ready : ServerStep::Failed) << ended.text;
        const bool yields_keys =
            c.is_right && c.stored == verifier && c.method != ClientAuthentication::Trust;
        EXPECT_EQ(ended.clients_keys, yields_keys ? keys : std::nullopt);
    }
}

}  // namespace
}  // namespace penstock::session
