#include "crds/api/decode.hpp"

#include "crds/api/dataplane_config.hpp"
#include "crds/api/grant.hpp"
#include "tests/unit/crds/api/samples.hpp"

#include <gtest/gtest.h>

namespace penstock::api {
namespace {

TEST(Decode, ShortestProxyConfigurationHasAllDefaults) {
    const auto config = decode<DataplaneConfig>(samples::config());
    ASSERT_TRUE(config);
    EXPECT_EQ(config->pool, "default/pool");
    EXPECT_EQ(config->listen.address, "0.0.0.0");
    EXPECT_EQ(config->listen.port, 6432);
    EXPECT_EQ(config->admin.port, 9127);
    EXPECT_FALSE(config->admin.token_file);
    EXPECT_EQ(config->server_connections, 20);
    EXPECT_EQ(config->limits, Limits{});
    EXPECT_EQ(config->timeouts, Timeouts{});
    EXPECT_FALSE(config->queue);
}

TEST(Decode, WrongProxyConfigurationsAreRefused) {
    struct Case {
        std::string_view patch;
        std::string_view path;
    };
    for (const Case& each : {
             Case{R"({"pool": "main"})", "pool"},
             Case{R"({"listen": {"port": 65536}})", "listen.port"},
             Case{R"({"listen": {"adress": "::1"}})", "listen.adress"},
             Case{R"({"database": {"host": null}})", "database.host"},
             Case{R"({"database": {"tls": {"mode": "VerifyFull"}}})", "database.tls.caFile"},
             Case{R"({"database": {"monitor": {}}})", "database.monitor.user"},
             Case{
                 R"({"database": {"monitor": {"user": "a", "userFile": "b"}}})",
                 "database.monitor.user"},
             Case{R"({"clients": {"usersFile": null}})", "clients.usersFile"},
             Case{R"({"clients": {"tls": {"certFile": "c.pem"}}})", "clients.tls.keyFile"},
             Case{R"({"serverConnections": 0})", "serverConnections"},
             Case{R"({"queue": {"maxLength": -1}})", "queue.maxLength"},
             Case{R"({"logLevel": "verbose"})", "logLevel"},
         }) {
        SCOPED_TRACE(each.patch);
        const auto config =
            decode<DataplaneConfig>(samples::patched(samples::config(), each.patch));
        ASSERT_FALSE(config);
        ASSERT_EQ(config.error().size(), 1U) << to_string(config.error()[1]);
        EXPECT_EQ(config.error()[0].path, each.path);
    }
}

TEST(Decode, LenientlyReadValueKeepsDefaultsWhereItIsWrong) {
    const auto decoded = decode_leniently<DataplaneConfig>(
        samples::patched(
            samples::config(), R"({"workers": "two", "serverConnections": 7, "extra": 1})"
        ),
        UnknownKeys::Warn
    );
    EXPECT_EQ(decoded.value.workers, 0);
    EXPECT_EQ(decoded.value.server_connections, 7);
    ASSERT_EQ(decoded.errors.size(), 1U);
    EXPECT_EQ(decoded.errors[0].path, "workers");
    ASSERT_EQ(decoded.warnings.size(), 1U);
    EXPECT_EQ(decoded.warnings[0].path, "extra");
}

TEST(Decode, MessagesOfOtherVersionsAreUnderstood) {
    const Document newer =
        samples::json(R"({"epoch": 3, "sequence": 9, "serverConnections": 12, "newThing": {}})");
    const auto grant = decode<Grant>(newer, UnknownKeys::Ignore);
    ASSERT_TRUE(grant);
    EXPECT_EQ(*grant, (Grant{3, 9, 12, {}}));
    EXPECT_FALSE(decode<Grant>(newer));
}

TEST(Decode, NegativeGrantIsRefused) {
    EXPECT_FALSE(decode<Grant>(samples::json(R"({"serverConnections": -1})")));
    EXPECT_FALSE(decode<Grant>(samples::json(R"({"epoch": -1})")));
    EXPECT_FALSE(decode<Grant>(samples::json(R"([])")));
}

}  // namespace
}  // namespace penstock::api
