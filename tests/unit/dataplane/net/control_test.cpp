#include "dataplane/net/control.hpp"

#include "tests/support/certificates.hpp"
#include "tests/support/grants_client.hpp"
#include "tests/support/running_proxy.hpp"

#include <gmock/gmock.h>

namespace penstock::net {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

constexpr const char* base = test::RunningProxy::default_clients;

TEST(Control, ServesAndReports) {
    const test::ThrowawayPostgres postgres;
    const test::RunningProxy proxy(
        postgres.port(),
        "database: {host: 127.0.0.1, port: PORT, tls: {mode: Disable},"
        " monitor: {user: postgres}}\nclients: {authentication: Trust}\n"
    );
    auto client = proxy.connect("application_name=app");
    ASSERT_TRUE(client.is_connected()) << client.error();
    EXPECT_EQ(
        client.ask("SELECT current_setting('application_name')").value, "penstock/test-1 app"
    );

    ASSERT_TRUE(proxy.await_report([](const api::Report& report) {
        return report.facts && report.facts->seen.contains("penstock/test-1");
    }));
    const api::Report report = proxy.report();
    EXPECT_EQ(report.pool, "test/pool");
    EXPECT_EQ(report.proxy_id, "test-1");
    EXPECT_EQ(report.clients, 1);
    EXPECT_EQ(report.servers_idle, 1);
    EXPECT_EQ(report.totals.queries, 1U);
    EXPECT_EQ(report.facts->seen.at("penstock/test-1"), 1);
    EXPECT_THAT(
        proxy.http("GET", "/metrics", ""),
        HasSubstr("penstock_proxy_queries_total{pool=\"test/pool\"} 1\n")
    );
}

TEST(Control, AGrantActsAtOnceAndAnOlderOneIsRefused) {
    const test::ThrowawayPostgres postgres;
    const test::RunningProxy proxy(postgres.port(), std::string(base) + "serverConnections: 4\n");
    EXPECT_THAT(
        proxy.http("PUT", "/v1/grant", R"({"epoch":2,"sequence":1,"serverConnections":1})"),
        HasSubstr("\"granted\":1")
    );
    EXPECT_THAT(
        proxy.http("PUT", "/v1/grant", R"({"epoch":1,"sequence":9,"serverConnections":9})"),
        StartsWith("HTTP/1.1 409")
    );
    auto first = proxy.connect();
    auto second = proxy.connect();
    ASSERT_TRUE(first.ask("BEGIN").ok);
    ASSERT_EQ(PQsendQuery(second.get(), "SELECT 1"), 1);
    EXPECT_TRUE(proxy.await_report([](const api::Report& report) {
        return report.clients_waiting == 1;
    }));
    EXPECT_EQ(proxy.report().servers(), 1);
    ASSERT_TRUE(first.ask("COMMIT").ok);
    PGresult* const result = PQgetResult(second.get());
    EXPECT_EQ(PQresultStatus(result), PGRES_TUPLES_OK);
    PQclear(result);
}

TEST(Control, AChangedFileIsReloadedAndAFaultyOneIsNot) {
    const test::ThrowawayPostgres postgres;
    const test::RunningProxy proxy(postgres.port(), std::string(base) + "generation: 1\n");
    const auto has_generation = [&](std::int64_t wanted) {
        return proxy.await_report([wanted](const api::Report& report) {
            return report.config_generation == wanted;
        });
    };
    EXPECT_TRUE(has_generation(1));
    proxy.write_config(std::string(base) + "generation: 2\nserverConnections: 3\n");
    EXPECT_TRUE(has_generation(2));
    EXPECT_EQ(proxy.report().granted, 3);

    proxy.write_config(std::string(base) + "generation: 3\nserverConnections: 0\nworkers: -1\n");
    EXPECT_TRUE(proxy.await_report([](const api::Report& report) {
        return report.config_errors.size() == 2;
    }));
    EXPECT_EQ(proxy.report().config_generation, 2);
    EXPECT_THAT(
        proxy.report().config_errors,
        ElementsAre(StartsWith("serverConnections: "), StartsWith("workers: "))
    );

    proxy.write_config(std::string(base) + "generation: 4\nworkers: 1\n");
    EXPECT_TRUE(has_generation(4));
    EXPECT_THAT(proxy.report().config_errors, ElementsAre(StartsWith("workers: changed")));
    proxy.write_config(std::string(base) + "generation: 5\n");
    EXPECT_TRUE(has_generation(5));
    EXPECT_THAT(proxy.report().config_errors, IsEmpty());
    EXPECT_TRUE(proxy.connect().ask("SELECT 1").ok);
}

TEST(Control, AskedToReloadItReadsAgain) {
    const test::ThrowawayPostgres postgres;
    test::RunningProxy proxy(postgres.port());
    proxy.control().reload_soon();
    EXPECT_TRUE(test::await([&] {
        return proxy.http("GET", "/metrics", "").find("reloads_total{pool=\"test/pool\"} 1\n") !=
               std::string::npos;
    }));
}

TEST(Control, TlsOnBothSidesCarriesLargeResults) {
    const test::TempDir certificates;
    const test::Certificate certificate = test::make_certificate(certificates, "c", "localhost");
    // PostgreSQL wants the key to be its own.
    const test::ThrowawayPostgres postgres("ssl = off");
    for (const auto& [from, to] :
         {std::pair(certificate.cert, "server.crt"), std::pair(certificate.key, "server.key")}) {
        std::filesystem::copy_file(from, postgres.folder().path(std::string("data/") + to));
    }
    const passwd* const account = ::getuid() == 0 ? ::getpwnam("postgres") : nullptr;
    const std::string key = postgres.folder().path("data/server.key");
    const std::string cert = postgres.folder().path("data/server.crt");
    if (account != nullptr) {
        ASSERT_EQ(::chown(key.c_str(), account->pw_uid, account->pw_gid), 0);
        ASSERT_EQ(::chown(cert.c_str(), account->pw_uid, account->pw_gid), 0);
    }
    std::filesystem::permissions(key, std::filesystem::perms::owner_read);
    auto admin = postgres.connect();
    ASSERT_TRUE(admin.ask("ALTER SYSTEM SET ssl = on").ok);
    ASSERT_TRUE(admin.ask("SELECT pg_reload_conf()").ok);

    const test::RunningProxy proxy(
        postgres.port(),
        "database: {host: 127.0.0.1, port: PORT, tls: {mode: VerifyFull, caFile: " +
            certificate.cert +
            "}}\nclients: {authentication: Trust, tls: {mode: Require, certFile: " +
            certificate.cert + ", keyFile: " + certificate.key + "}}\n"
    );
    const auto plain = proxy.connect();
    EXPECT_FALSE(plain.is_connected());
    auto client = proxy.connect("sslmode=verify-full sslrootcert=" + certificate.cert);
    ASSERT_TRUE(client.is_connected()) << client.error();
    EXPECT_EQ(client.ask("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()").value, "t");
    const test::Answer large = client.ask("SELECT repeat('0123456789', 1000000)");
    ASSERT_TRUE(large.ok) << large.error;
    EXPECT_THAT(large.value, SizeIs(10'000'000));
    EXPECT_EQ(client.ask("SELECT length('" + std::string(3'000'000, 'x') + "')").value, "3000000");
}

TEST(Control, BeginsWithAGrantThatWasTakenBefore) {
    const test::TempDir folder;
    const Identity identity{"p", "m"};
    const std::string path = folder.write(
        "proxy.yaml",
        "database: {host: h, tls: {mode: Disable}}\nclients: {authentication: Trust}\n"
        "listen: {address: 127.0.0.1, port: 0}\nadmin: {port: 0}\n"
    );
    Console console;
    Control control(console, path, identity, read_configuration(path, identity));
    control.start_with({3, 2, 7, std::nullopt});
    ASSERT_TRUE(control.open());
    std::thread thread([&] { control.run(); });
    EXPECT_THAT(
        test::ask_plainly(console.admin_port(), "/v1/report"),
        AllOf(HasSubstr("\"epoch\":3"), HasSubstr("\"granted\":7"))
    );
    control.drain_soon();
    thread.join();
}

TEST(Control, AnUnreachableDatabaseIsSaidToClientsAndInTheReport) {
    const test::RunningProxy proxy(
        test::free_port(), std::string(base) + "timeouts: {queryWaitSeconds: 1}\n"
    );
    const auto client = proxy.connect();
    EXPECT_FALSE(client.is_connected());
    EXPECT_TRUE(proxy.await_report([](const api::Report& report) {
        return report.server_error.find("refused") != std::string::npos;
    }));
}

TEST(Control, DrainingWaitsForTransactionsAndThenEnds) {
    const test::ThrowawayPostgres postgres;
    test::RunningProxy proxy(postgres.port());
    auto busy = proxy.connect();
    auto idle = proxy.connect();
    ASSERT_TRUE(busy.ask("BEGIN").ok);
    ASSERT_TRUE(idle.ask("SELECT 1").ok);
    proxy.control().drain_soon();
    EXPECT_TRUE(test::await([&] { return !idle.ask("SELECT 1").ok; }));
    EXPECT_THAT(proxy.http("GET", "/readyz", ""), StartsWith("HTTP/1.1 503"));
    EXPECT_TRUE(proxy.report().draining);
    EXPECT_FALSE(proxy.connect().is_connected());
    ASSERT_TRUE(busy.ask("SELECT 1").ok);
    EXPECT_FALSE(proxy.has_ended());
    ASSERT_TRUE(busy.ask("COMMIT").ok);
    EXPECT_TRUE(test::await([&] { return proxy.has_ended(); }));
}

TEST(Control, BeforeItDrainsItServesOnForAMomentThoughNotReady) {
    const test::ThrowawayPostgres postgres;
    test::RunningProxy proxy(postgres.port(), std::string(base) + "drain: {acceptSeconds: 1}\n");
    auto idle = proxy.connect();
    proxy.control().drain_soon();
    EXPECT_TRUE(test::await([&] {
        return proxy.http("GET", "/readyz", "").starts_with("HTTP/1.1 503");
    }));
    EXPECT_TRUE(proxy.report().draining);
    EXPECT_TRUE(proxy.connect().ask("SELECT 1").ok);
    EXPECT_TRUE(idle.ask("SELECT 1").ok);
    EXPECT_TRUE(test::await([&] { return proxy.has_ended(); }));
}

TEST(Control, DrainingEndsAtItsDeadline) {
    const test::ThrowawayPostgres postgres;
    test::RunningProxy proxy(postgres.port(), std::string(base) + "drain: {timeoutSeconds: 1}\n");
    auto busy = proxy.connect();
    ASSERT_TRUE(busy.ask("BEGIN").ok);
    proxy.control().drain_soon();
    EXPECT_TRUE(test::await([&] { return proxy.has_ended(); }));
    EXPECT_FALSE(busy.ask("SELECT 1").ok);
}

TEST(Control, TheAdminPortIsWrittenToItsFile) {
    const test::TempDir folder;
    const Identity identity{"p", "m"};
    const std::string path = folder.write(
        "proxy.yaml",
        "database: {host: h, tls: {mode: Disable}}\nclients: {authentication: Trust}\n"
        "listen: {address: 127.0.0.1, port: 0}\nadmin: {port: 0, portFile: " +
            folder.path("port") + "}\n"
    );
    Console console;
    Control control(console, path, identity, read_configuration(path, identity));
    ASSERT_TRUE(control.open());
    EXPECT_EQ(folder.read("port"), std::to_string(console.admin_port()) + "\n");
    EXPECT_NE(control.client_port(), 0);
}

}  // namespace
}  // namespace penstock::net
