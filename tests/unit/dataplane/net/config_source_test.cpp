#include "dataplane/net/config_source.hpp"

#include "tests/support/certificates.hpp"
#include "tests/support/temp_dir.hpp"

#include <gmock/gmock.h>

namespace penstock::net {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;
using namespace std::chrono_literals;

class ConfigSourceTest : public ::testing::Test {
 protected:
    Reading read(const std::string& text) {
        return read_configuration(folder_.write("proxy.yaml", text), identity_);
    }
    static std::vector<std::string> texts(const std::vector<api::Error>& errors) {
        std::vector<std::string> all;
        for (const api::Error& error : errors) all.push_back(api::to_string(error));
        return all;
    }

    test::TempDir folder_;
    const Identity identity_{"proxy-1", "mock"};
    const std::string minimal_ =
        "database: {host: db, tls: {mode: Disable}}\nclients: {authentication: Trust}\n";
};

TEST_F(ConfigSourceTest, AMinimalConfigurationHasDefaults) {
    const Reading reading = read(minimal_);
    ASSERT_THAT(texts(reading.faults), IsEmpty());
    const Configuration& made = *reading.configuration;
    EXPECT_EQ(made.document.proxy_id, "proxy-1");
    EXPECT_EQ(made.settings->application_tag, "penstock/proxy-1");
    EXPECT_EQ(made.settings->database_address, "db:5432");
    EXPECT_EQ(made.settings->client_login_timeout, 60s);
    EXPECT_EQ(made.settings->login.authentication, session::ClientAuthentication::Trust);
    EXPECT_EQ(made.client_tls, nullptr);
    EXPECT_EQ(made.server_tls, nullptr);
    EXPECT_FALSE(made.monitor);
    EXPECT_EQ(made.admin_token, "");
}

TEST_F(ConfigSourceTest, ProxiesOfAPoolShareWhatUnknownUsersAreShown) {
    const auto mock_secret = [this](const std::string& text, const std::string& own) {
        const std::string file = folder_.write("proxy.yaml", text);
        const Reading reading = read_configuration(file, Identity{"proxy-" + own, own, false});
        EXPECT_THAT(texts(reading.faults), IsEmpty());
        return reading.configuration->settings->login.mock_secret;
    };
    EXPECT_EQ(mock_secret(minimal_, "first"), "first");
    const std::string with_uid = "poolUid: 5d0c1f0e-6a0b-4a6f-9d4e-0c8d2f1a7b33\n" + minimal_;
    EXPECT_EQ(mock_secret(with_uid, "first"), mock_secret(with_uid, "second"));
    EXPECT_NE(mock_secret(with_uid, "first"), "first");
    const std::string database = "database: {host: db, tls: {mode: Disable}}\n";
    const std::string secret = folder_.write("mock", "0123456789abcdef\n");
    const std::string with_file =
        database + "clients: {authentication: Trust, mockSecretFile: " + secret + "}\n";
    const std::string shared = mock_secret(with_file, "first");
    EXPECT_EQ(shared.size(), 32U);
    EXPECT_EQ(mock_secret(with_file, "second"), shared);
    EXPECT_NE(mock_secret("pool: other/pool\n" + with_file, "second"), shared);
    const test::Certificate certificate = test::make_certificate(folder_, "server", "localhost");
    const std::string with_tls =
        database + "clients: {authentication: Trust, tls: {certFile: " + certificate.cert +
        ", keyFile: " + certificate.key + "}}\n";
    EXPECT_EQ(mock_secret(with_tls, "first"), mock_secret(with_tls, "second"));
    EXPECT_NE(mock_secret(with_tls, "first"), shared);

    folder_.write("mock", "too short\n");
    EXPECT_THAT(
        texts(read(with_file).faults),
        ElementsAre(AllOf(StartsWith("clients.mockSecretFile: "), HasSubstr("16 bytes")))
    );
}

TEST_F(ConfigSourceTest, ReadsTheFilesThatItNames) {
    const std::string users = folder_.write("users", "\"app\" \"secret\"\n");
    const std::string token = folder_.write("token", "t0ken\n");
    const std::string name = folder_.write("name", "watcher\n");
    const std::string password = folder_.write("password", "pw\n");
    const test::Certificate certificate = test::make_certificate(folder_, "server", "localhost");
    const Reading reading = read(
        "database:\n  host: db\n  tls: {mode: VerifyFull, caFile: " + certificate.cert +
        "}\n  monitor: {userFile: " + name + ", passwordFile: " + password +
        "}\nadmin: {tokenFile: " + token + "}\nclients:\n  usersFile: " + users +
        "\n  tls: {mode: Require, certFile: " + certificate.cert + ", keyFile: " + certificate.key +
        "}\n"
    );
    ASSERT_THAT(texts(reading.faults), IsEmpty());
    const Configuration& made = *reading.configuration;
    ASSERT_NE(made.settings->users.find("app"), nullptr);
    const auto derived = made.settings->users.find("app")->derived;
    ASSERT_NE(derived, nullptr);
    EXPECT_EQ(derived->ready(), nullptr) << "at the first login";
    const Reading again = read_configuration(folder_.path("proxy.yaml"), identity_, &made);
    EXPECT_EQ(again.configuration->settings->users.find("app")->derived, derived);
    EXPECT_EQ(made.admin_token, "t0ken");
    EXPECT_EQ(made.monitor->user, "watcher");
    EXPECT_EQ(made.monitor->password, "pw");
    EXPECT_EQ(made.monitor->sslmode, "verify-full");
    EXPECT_EQ(made.monitor->application_name, "penstock-probe/proxy-1");
    EXPECT_NE(made.client_tls, nullptr);
    EXPECT_NE(made.server_tls, nullptr);
    EXPECT_EQ(made.settings->login.tls, session::ClientTls::Require);
    EXPECT_EQ(made.settings->server_tls, session::ServerTls::Require);
    EXPECT_THAT(reading.files, Contains(users));
    EXPECT_THAT(reading.files, Contains(certificate.key));
}

TEST_F(ConfigSourceTest, EachFaultIsNamedWithItsPlace) {
    struct Case {
        std::string text;
        const char* says;
    };
    const std::string bad_users =
        folder_.write("bad_users", "\"a\" \"b\"\n\"a\" \"c\"\nnonsense\n");
    const std::string empty = folder_.write("empty", " \n");
    const std::string folder = folder_.path();
    const std::string trust = "clients: {authentication: Trust}\n";
    const std::string db = "database: {host: db, tls: {mode: Disable}}\n";
    const std::vector<Case> cases{
        {"a: [", "proxy.yaml:"},
        {"", "database: "},
        {"- 1", "list"},
        {trust + "database: {host: '', tls: {mode: Disable}}", "database.host: "},
        {trust + "database: {host: db, port: 0}", "database.port: "},
        {trust + "database: {host: db, tls: {mode: verify-full}}", "database.tls.mode: "},
        {trust + "database: {host: db, tls: {mode: VerifyCA}}", "database.tls.caFile: "},
        {trust + "database: {host: db, tls: {mode: VerifyCA, caFile: /none}}",
         "database.tls.caFile: cannot read \"/none\": No such file"},
        {trust + "database: {host: db, tls: {mode: VerifyCA, caFile: " + empty + "}}",
         "database.tls: "},
        {trust + "database: {host: db, monitor: {}}", "database.monitor.user: "},
        {trust + "database: {host: db, monitor: {user: m, passwordFile: /none}}",
         "database.monitor.passwordFile: cannot read"},
        {db + "clients: {}", "clients.usersFile: "},
        {db + "clients: {usersFile: /none}", "clients.usersFile: cannot read"},
        {db + "clients: {usersFile: " + folder + "}", "Is a directory"},
        {db + "clients: {usersFile: " + bad_users + "}", "bad_users, line 2: "},
        {db + "clients: {usersFile: " + bad_users + "}", "bad_users, line 3: "},
        {db + "clients: {authentication: Trust, tls: {certFile: /none, keyFile: /none}}",
         "clients.tls.certFile: cannot read"},
        {db + "clients: {authentication: Trust, tls: {certFile: " + empty + ", keyFile: " + empty +
             "}}",
         "clients.tls: "},
        {db + trust + "admin: {tokenFile: " + empty + "}", "admin.tokenFile: "},
        {db + trust + "workers: 65", "workers: "},
        {db + trust + "serverConnections: many", "serverConnections: "},
        {db + trust + "poolMode: Statement", "poolMode: "},
        {db + trust + "limits: {maxClientConnections: 0}", "limits.maxClientConnections: "},
        {db + trust + "timeouts: {queryWaitSeconds: -1}", "timeouts.queryWaitSeconds: "},
        {db + trust + "drain: {timeoutSeconds: 1h}", "drain.timeoutSeconds: "},
        {db + trust + "listen: {port: 65536}", "listen.port: "},
        {db + trust + "pool: orders", "pool: "},
    };
    for (const Case& each : cases) {
        SCOPED_TRACE(each.text);
        const Reading reading = read(each.text);
        EXPECT_EQ(reading.configuration, nullptr);
        EXPECT_THAT(texts(reading.faults), Contains(HasSubstr(each.says)));
    }
}

TEST_F(ConfigSourceTest, AllFaultsAtOnce) {
    const Reading reading =
        read("database: {host: db, port: 0}\nclients: {usersFile: /none}\nworkers: 99\n");
    EXPECT_EQ(reading.faults.size(), 3U);
}

TEST_F(ConfigSourceTest, AMissingFileIsAFault) {
    const Reading reading = read_configuration(folder_.path("none.yaml"), identity_);
    EXPECT_EQ(reading.configuration, nullptr);
    EXPECT_THAT(texts(reading.faults), ElementsAre(HasSubstr("none.yaml")));
}

TEST_F(ConfigSourceTest, AKeyOfAnotherVersionIsAWarning) {
    const Reading reading = read(minimal_ + "turbo: true\n");
    EXPECT_NE(reading.configuration, nullptr);
    EXPECT_THAT(texts(reading.warnings), ElementsAre(StartsWith("turbo: ")));
}

TEST_F(ConfigSourceTest, ContentsTellWhetherAnyFileChanged) {
    const std::string token = folder_.write("token", "a");
    const std::string text = minimal_ + "admin: {tokenFile: " + token + "}\n";
    const std::string before = read(text).contents;
    EXPECT_EQ(read(text).contents, before);
    folder_.write("token", "b");
    EXPECT_NE(read(text).contents, before);
}

TEST_F(ConfigSourceTest, FieldsReadAtTheStartNeedARestart) {
    api::DataplaneConfig started;
    api::DataplaneConfig now = started;
    EXPECT_THAT(needing_restart(started, now), IsEmpty());
    now.workers = 3;
    now.listen.port = 1;
    now.limits.max_client_connections = 1;
    EXPECT_THAT(
        texts(needing_restart(started, now)),
        ElementsAre(StartsWith("listen.port: "), StartsWith("workers: "))
    );
}

TEST_F(ConfigSourceTest, AnIdentityIsItsOwn) {
    const Identity first = Identity::make(nullptr);
    const Identity second = Identity::make(nullptr);
    EXPECT_NE(first.proxy_id, second.proxy_id);
    EXPECT_LE(first.proxy_id.size(), 48U);
    EXPECT_EQ(first.mock_secret.size(), 32U);
    EXPECT_FALSE(first.is_pod);
    EXPECT_FALSE(Identity::make("").is_pod);
}

TEST_F(ConfigSourceTest, InAPodItIsTheEndOfThePodsName) {
    const Identity pod = Identity::make("orders-6c9f7d5b8-x2x7q");
    EXPECT_TRUE(pod.is_pod);
    EXPECT_THAT(pod.proxy_id, ::testing::MatchesRegex("orders-6c9f7d5b8-x2x7q-[0-9a-f]{4}"));
    const Identity longer = Identity::make((std::string(60, 'x') + "-6c9f7d5b8-x2x7q").c_str());
    EXPECT_THAT(longer.proxy_id, ::testing::MatchesRegex("x{24}-6c9f7d5b8-x2x7q-[0-9a-f]{4}"));
}

TEST_F(ConfigSourceTest, InAPodItAcceptsForAMomentMoreUnlessToldOtherwise) {
    const std::string path = folder_.write("proxy.yaml", minimal_);
    const auto seconds = [&](const Identity& identity) {
        return read_configuration(path, identity).document->drain.accept_seconds;
    };
    EXPECT_EQ(seconds({"p", "m", false}), 0);
    EXPECT_EQ(seconds({"p", "m", true}), 3);
    folder_.write("proxy.yaml", minimal_ + "drain: {acceptSeconds: 0}\n");
    EXPECT_EQ(seconds({"p", "m", true}), 0);
}

TEST_F(ConfigSourceTest, ADocumentThatIsGoodIsThereThoughItsFilesAreNot) {
    const Reading reading = read(
        minimal_ + "admin: {tokenFile: /none, grants: {clientCaFile: " +
        folder_.write("ca", "no certificate") + "}}\n"
    );
    EXPECT_EQ(reading.configuration, nullptr);
    ASSERT_TRUE(reading.document);
    EXPECT_EQ(reading.document->proxy_id, "proxy-1");
    EXPECT_EQ(reading.grants.tls, nullptr);
    EXPECT_THAT(
        texts(reading.faults),
        ElementsAre(
            AllOf(StartsWith("admin.tokenFile: "), HasSubstr("create it, or the Secret")),
            AllOf(
                StartsWith("admin.grants.clientCaFile: "), HasSubstr("no certificate in PEM form")
            )
        )
    );
    EXPECT_FALSE(read("workers: 99").document);
}

}  // namespace
}  // namespace penstock::net
