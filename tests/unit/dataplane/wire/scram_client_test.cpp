#include "dataplane/wire/scram_client.hpp"

#include "dataplane/wire/scram_server.hpp"

#include <gtest/gtest.h>

namespace penstock::wire {
namespace {

constexpr std::string_view client_nonce = "client";

ScramClient with_password(std::string password) {
    return {std::move(password), std::nullopt, client_nonce};
}
ScramClient with_keys(ScramKeys keys) { return {std::nullopt, std::move(keys), client_nonce}; }

ScramServer server_of(const ScramKeys& keys) { return {scram_verifier(keys), "server"}; }

// Plays both sides against each other; what the client says to the end of it.
tl::expected<void, std::string> play(ScramClient& client, ScramServer server) {
    const auto server_first = server.first(client.first());
    if (!server_first) return tl::unexpected<std::string>{server_first.error().text};
    const auto client_final = client.final(*server_first);
    if (!client_final) return tl::unexpected<std::string>{client_final.error()};
    const auto server_final = server.final(*client_final);
    if (!server_final) return tl::unexpected<std::string>{server_final.error().text};
    return client.check(*server_final);
}

TEST(ScramClient, LogsInWithPassword) {
    const ScramKeys keys = scram_keys("pencil", "salt", 10);
    ScramClient client = with_password("pencil");
    EXPECT_TRUE(play(client, server_of(keys)));
    EXPECT_EQ(client.take_keys(), keys);
}

TEST(ScramClient, LogsInWithKeysThatAServerYielded) {
    ScramServer server = server_of(scram_keys("pencil", "salt", 10));
    ScramClient first = with_password("pencil");
    const auto answer = server.first(first.first());
    ASSERT_TRUE(server.final(first.final(answer.value()).value()));
    ScramClient second = with_keys(server.take_keys());
    EXPECT_TRUE(play(second, server_of(scram_keys("pencil", "salt", 10))));
}

TEST(ScramClient, FailsWithAnotherPassword) {
    ScramClient client = with_password("pen");
    EXPECT_FALSE(play(client, server_of(scram_keys("pencil", "salt", 10))));
}

TEST(ScramClient, KeysOfAnotherVerifierSayThatTheSecretIsStale) {
    for (const auto& servers :
         {scram_keys("pencil", "other", 10), scram_keys("pencil", "salt", 11)}) {
        ScramClient client = with_keys(scram_keys("pencil", "salt", 10));
        const auto ended = play(client, server_of(servers));
        ASSERT_FALSE(ended);
        EXPECT_NE(ended.error().find("update the stored secret"), std::string::npos)
            << ended.error();
    }
}

TEST(ScramClient, FallsBackFromStaleKeysToThePassword) {
    ScramClient client{"pencil", scram_keys("old", "salt", 10), client_nonce};
    EXPECT_TRUE(play(client, server_of(scram_keys("pencil", "newer", 10))));
    EXPECT_EQ(client.take_keys(), scram_keys("pencil", "newer", 10));
}

TEST(ScramClient, RefusesBadServerFirstMessages) {
    for (const std::string_view message :
         {"",
          "r=clientserver",
          "r=clientserver,s=c2FsdA==",
          "s=c2FsdA==,r=clientserver,i=10",
          "r=client,s=c2FsdA==,i=10",
          "r=server,s=c2FsdA==,i=10",
          "r=,s=c2FsdA==,i=10",
          "r=client server,s=c2FsdA==,i=10",
          "r=clientserver,s=,i=10",
          "r=clientserver,s=!,i=10",
          "r=clientserver,s=c2FsdA==,i=",
          "r=clientserver,s=c2FsdA==,i=0",
          "r=clientserver,s=c2FsdA==,i=-1",
          "r=clientserver,s=c2FsdA==,i=1x",
          "r=clientserver,s=c2FsdA==,i=99999999999",
          "m=ext,r=clientserver,s=c2FsdA==,i=10"}) {
        ScramClient client = with_password("pencil");
        EXPECT_FALSE(client.final(message)) << message;
    }
}

TEST(ScramClient, RefusesToWorkForAServerThatAsksForTooManyIterations) {
    ScramClient client = with_password("pencil");
    const auto answer = client.final("r=clientserver,s=c2FsdA==,i=1000001");
    ASSERT_FALSE(answer);
    EXPECT_NE(answer.error().find("1000000"), std::string::npos) << answer.error();
}

TEST(ScramClient, RefusesBadServerFinalMessages) {
    const ScramKeys keys = scram_keys("pencil", "salt", 10);
    ScramServer server = server_of(keys);
    ScramClient client = with_password("pencil");
    const auto first = server.first(client.first());
    const auto final = server.final(client.final(first.value()).value()).value();
    EXPECT_TRUE(client.check(final));
    for (const std::string& message :
         {std::string{},
          std::string{"v="},
          std::string{"v=AAAA"},
          std::string{"x"},
          std::string{"e=invalid-proof"},
          final + "A",
          final.substr(1)}) {
        EXPECT_FALSE(client.check(message)) << message;
    }
    for (std::size_t i = 0; i < final.size(); ++i) {
        std::string message = final;
        message[i] = static_cast<char>(message[i] ^ 1);
        EXPECT_FALSE(client.check(message)) << message;
    }
    EXPECT_NE(client.check("e=other-error").error().find("other-error"), std::string::npos);
}

}  // namespace
}  // namespace penstock::wire
