#include "crds/api/manifest.hpp"

#include "crds/api/encode.hpp"
#include "tests/unit/crds/api/samples.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace penstock::api {
namespace {

using testing::HasSubstr;

std::vector<Error> faults_of(const Document& document) {
    const auto manifest = decode_manifest(document);
    return manifest ? std::vector<Error>{} : manifest.error();
}

std::string listed(const std::vector<Error>& errors) {
    std::string all;
    for (const Error& error : errors) all += to_string(error) + "\n";
    return all;
}

// A good manifest made wrong in one place: the path that is blamed, and words of the remedy.
struct WrongManifest {
    Document base;
    std::string_view patch;
    std::string_view path;
    std::string_view remedy;
};

TEST(Manifest, EachWrongOneIsRefusedWithPathAndRemedy) {
    const Document pool = samples::pool();
    const Document policy = samples::policy();
    const std::vector<WrongManifest> table{
        {pool, R"({"apiVersion": null})", "apiVersion", "is required: \"penstock.dev/v1alpha1\""},
        {pool,
         R"({"apiVersion": "penstock.dev/v1"})",
         "apiVersion",
         "must be \"penstock.dev/v1alpha1\""},
        {pool, R"({"kind": null})", "kind", "is required: ConnectionPool or Backpressure"},
        {pool, R"({"kind": "ConectionPool"})", "kind", "did you mean \"ConnectionPool\"?"},
        {pool, R"({"kind": "Service"})", "kind", "must be one of ConnectionPool, Backpressure"},
        {pool, R"({"speck": {}})", "speck", "did you mean \"spec\"?"},
        {pool, R"({"spec": null})", "spec", "is required"},
        {pool, R"({"spec": []})", "spec", "must be an object with fields, not a list"},
        {pool, R"({"metadata": null})", "metadata", "is required"},
        {pool, R"({"metadata": {"name": null}})", "metadata.name", "is required"},
        {pool, R"({"metadata": {"name": "Main"}})", "metadata.name", "lower-case letters"},
        {pool, R"({"metadata": {"name": "-main"}})", "metadata.name", "beginning and ending"},
        {pool, R"({"metadata": {"name": "main.db"}})", "metadata.name", "name of a Service"},
        {pool, R"({"metadata": {"name": "1main"}})", "metadata.name", "beginning with a letter"},
        {pool,
         R"({"metadata": {"name": "a23456789-b23456789-c23456789-d23456789-e23456789-f"}})",
         "metadata.name",
         "at most 50"},
        {pool, R"({"metadata": {"namespace": "a_b"}})", "metadata.namespace", "lower-case letters"},
        {pool,
         R"({"metadata": {"labels": {"tier": 1}}})",
         "metadata.labels[tier]",
         "put it in quotes"},
        {pool, R"({"spec": {"database": null}})", "spec.database", "is required"},
        {pool, R"({"spec": {"database": {"host": null}}})", "spec.database.host", "is required"},
        {pool, R"({"spec": {"database": {"host": ""}}})", "spec.database.host", "it is empty"},
        {pool,
         R"({"spec": {"database": {"host": "a b"}}})",
         "spec.database.host",
         "must be a host name"},
        {pool,
         R"({"spec": {"database": {"host": 10}}})",
         "spec.database.host",
         "must be a text, not 10; put it in quotes"},
        {pool,
         R"({"spec": {"database": {"port": 0}}})",
         "spec.database.port",
         "must be between 1 and 65535, not 0"},
        {pool,
         R"({"spec": {"database": {"port": 70000}}})",
         "spec.database.port",
         "must be between 1 and 65535"},
        {pool,
         R"({"spec": {"database": {"port": 5000000000}}})",
         "spec.database.port",
         "not 5000000000"},
        {pool,
         R"({"spec": {"database": {"port": 18446744073709551615}}})",
         "spec.database.port",
         "must be between"},
        {pool,
         R"({"spec": {"database": {"port": "5432"}}})",
         "spec.database.port",
         "whole number without quotes"},
        {pool,
         R"({"spec": {"database": {"port": 5432.5}}})",
         "spec.database.port",
         "whole number without quotes"},
        {pool,
         R"({"spec": {"database": {"hots": "x"}}})",
         "spec.database.hots",
         "did you mean \"host\"?"},
        {pool,
         R"({"spec": {"database": {"tls": {"mode": "verify-ca"}}}})",
         "spec.database.tls.mode",
         "did you mean \"VerifyCA\"?"},
        {pool,
         R"({"spec": {"database": {"tls": {"mode": "VerifyCA"}}}})",
         "spec.database.tls.caSecretRef",
         "must be set when mode is VerifyCA or VerifyFull"},
        {pool,
         R"({"spec": {"database": {"monitorSecretRef": null}}})",
         "spec.database.monitorSecretRef",
         "kubernetes.io/basic-auth"},
        {pool,
         R"({"spec": {"database": {"monitorSecretRef": {"name": "A"}}}})",
         "spec.database.monitorSecretRef.name",
         "lower-case"},
        {pool,
         R"({"spec": {"clients": {"usersSecretRef": null}}})",
         "spec.clients.usersSecretRef",
         "must be set unless authentication is Trust"},
        {pool,
         R"({"spec": {"clients": {"usersSecretRef": {"key": "../x"}}}})",
         "spec.clients.usersSecretRef.key",
         "must be a key of a Secret"},
        {pool,
         R"({"spec": {"clients": {"authentication": "md5"}}})",
         "spec.clients.authentication",
         "must be one of ScramSha256, MD5, Trust"},
        {pool,
         R"({"spec": {"clients": {"tls": {"mode": "Require"}}}})",
         "spec.clients.tls.secretRef",
         "is required"},
        {pool,
         R"({"spec": {"poolMode": "Statement"}})",
         "spec.poolMode",
         "must be one of Transaction, Session"},
        {pool,
         R"({"spec": {"replicas": -1}})",
         "spec.replicas",
         "must be between 0 and 256, not -1"},
        {pool, R"({"spec": {"replicas": true}})", "spec.replicas", "must be a whole number"},
        {pool, R"({"spec": {"workers": 65}})", "spec.workers", "must be between 0 and 64"},
        {pool, R"({"spec": {"replica": 3}})", "spec.replica", "did you mean \"replicas\"?"},
        {pool, R"({"spec": {"colour": "red"}})", "spec.colour", "known are database, clients"},
        {pool,
         R"({"spec": {"budget": {"maxServerConnectionsPercent": 101}}})",
         "spec.budget.maxServerConnectionsPercent",
         "must be between 1 and 100"},
        {pool,
         R"({"spec": {"budget": {"weight": 0}}})",
         "spec.budget.weight",
         "must be between 1 and 1000"},
        {pool,
         R"({"spec": {"sizing": {"mode": "Fixed"}}})",
         "spec.sizing.serverConnections",
         "must be set when mode is Fixed, and only then"},
        {pool,
         R"({"spec": {"sizing": {"serverConnections": 5}}})",
         "spec.sizing.serverConnections",
         "must be set when mode is Fixed, and only then"},
        {pool,
         R"({"spec": {"sizing": {"minServerConnections": 9, "maxServerConnections": 8}}})",
         "spec.sizing.minServerConnections",
         "must not be above maxServerConnections"},
        {pool,
         R"({"spec": {"limits": {"maxMessageBytes": 10}}})",
         "spec.limits.maxMessageBytes",
         "must be between 16384 and 1073741823"},
        {pool,
         R"({"spec": {"timeouts": {"serverConnectSeconds": 0}}})",
         "spec.timeouts.serverConnectSeconds",
         "must be between 1 and 3600"},
        {pool,
         R"({"spec": {"timeouts": "10s"}})",
         "spec.timeouts",
         "must be an object with fields, not the text \"10s\""},
        {pool,
         R"({"spec": {"drain": {"timeoutSeconds": 3601}}})",
         "spec.drain.timeoutSeconds",
         "must be between 0 and 3600"},
        {policy, R"({"spec": {"targetRefs": null}})", "spec.targetRefs", "exactly one of both"},
        {policy,
         R"({"spec": {"selector": {"matchLabels": {"tier": "web"}}}})",
         "spec.targetRefs",
         "exactly one of both"},
        {policy,
         R"({"spec": {"targetRefs": {"name": "main"}}})",
         "spec.targetRefs",
         "must be a list, not an object"},
        {policy,
         R"({"spec": {"targetRefs": [{"name": "a"}, {"name": "a"}]}})",
         "spec.targetRefs[1].name",
         "is listed twice: the text \"a\"; remove one"},
        {policy,
         R"({"spec": {"targetRefs": [{"name": "a"}, {"kind": "Pool", "name": "b"}]}})",
         "spec.targetRefs[1].kind",
         "must be one of ConnectionPool"},
        {policy, R"({"spec": {"targetRefs": [{}]}})", "spec.targetRefs[0].name", "is required"},
        {policy,
         R"({"spec": {"targetRefs": null, "selector": {"matchLabels": {}}}})",
         "spec.selector.matchLabels",
         "must have between 1 and 16 entries; it has 0"},
        {policy,
         R"({"spec": {"latency": {"targetMilliseconds": null}}})",
         "spec.latency.targetMilliseconds",
         "is required"},
        {policy,
         R"({"spec": {"latency": {"percentile": "P999"}}})",
         "spec.latency.percentile",
         "P50, P90, P95, P99"},
        {policy,
         R"({"spec": {"concurrency": {"minimum": 3, "maximum": 2}}})",
         "spec.concurrency.minimum",
         "must not be above maximum"},
        {policy,
         R"({"spec": {"adjustment": {"decreasePercent": 91}}})",
         "spec.adjustment.decreasePercent",
         "must be between 1 and 90"},
        {policy,
         R"({"spec": {"queue": {"maxWaitMilliseconds": 0}}})",
         "spec.queue.maxWaitMilliseconds",
         "must be between 1 and 600000"},
    };
    ASSERT_GE(table.size(), 30U);
    for (const WrongManifest& wrong : table) {
        SCOPED_TRACE(wrong.patch);
        const std::vector<Error> errors = faults_of(samples::patched(wrong.base, wrong.patch));
        ASSERT_EQ(errors.size(), 1U) << listed(errors);
        EXPECT_EQ(errors[0].path, wrong.path);
        EXPECT_THAT(errors[0].text, HasSubstr(std::string{wrong.remedy}));
    }
}

TEST(Manifest, EveryFaultIsNamedAtOnce) {
    const std::vector<Error> errors = faults_of(samples::patched(samples::pool(), R"({
        "apiVersion": "v1",
        "metadata": {"name": "UPPER"},
        "spec": {"replicas": 1000, "poolMode": "transaction", "database": {"host": null, "port": 0}}
    })"));
    std::vector<std::string> paths;
    for (const Error& error : errors) paths.push_back(error.path);
    EXPECT_THAT(
        paths,
        testing::UnorderedElementsAre(
            "apiVersion",
            "metadata.name",
            "spec.database.host",
            "spec.poolMode",
            "spec.database.port",
            "spec.replicas"
        )
    );
}

TEST(Manifest, WhatIsNoObjectIsRefused) {
    for (const std::string_view text : {"null", "[]", "3", "\"pool\""}) {
        SCOPED_TRACE(text);
        const std::vector<Error> errors = faults_of(samples::json(text));
        ASSERT_EQ(errors.size(), 1U);
        EXPECT_EQ(errors[0].path, "");
        EXPECT_THAT(errors[0].text, HasSubstr("must be an object"));
    }
}

TEST(Manifest, ShortestPoolHasAllDefaults) {
    const auto manifest = decode_manifest(samples::pool());
    ASSERT_TRUE(manifest) << listed(manifest.error());
    const auto& pool = std::get<ConnectionPool>(*manifest);
    EXPECT_EQ(qualified_name(pool.metadata), "default/main");
    EXPECT_EQ(pool.spec.database.port, 5432);
    EXPECT_EQ(pool.spec.database.tls.mode, TlsMode::Prefer);
    EXPECT_EQ(pool.spec.database.monitor_database, "postgres");
    EXPECT_EQ(pool.spec.clients.users_secret_ref->key, "userlist.txt");
    EXPECT_FALSE(pool.spec.clients.tls);
    EXPECT_EQ(pool.spec.pool_mode, PoolMode::Transaction);
    EXPECT_EQ(pool.spec.replicas, 2);
    EXPECT_EQ(pool.spec.budget, Budget{});
    EXPECT_EQ(pool.spec.timeouts, Timeouts{});
    EXPECT_EQ(pool.status.observed_generation, -1);
}

TEST(Manifest, PolicyIsRead) {
    const auto manifest = decode_manifest(samples::policy());
    ASSERT_TRUE(manifest) << listed(manifest.error());
    const auto& policy = std::get<Backpressure>(*manifest);
    EXPECT_EQ(policy.spec.target_refs.at(0).name, "main");
    EXPECT_EQ(policy.spec.latency.target_milliseconds, 50);
    EXPECT_EQ(policy.spec.queue.max_length, 1000);
}

TEST(Manifest, NullMeansAbsent) {
    Document document = samples::pool();
    document["spec"]["replicas"] = nullptr;
    const auto manifest = decode_manifest(document);
    ASSERT_TRUE(manifest);
    EXPECT_EQ(std::get<ConnectionPool>(*manifest).spec.replicas, 2);
}

TEST(Manifest, OtherMetadataIsPassedOver) {
    const Document document = samples::patched(samples::pool(), R"({"metadata": {
        "managedFields": [], "finalizers": ["x"], "resourceVersion": "17", "generation": 3,
        "creationTimestamp": "2024-01-01T00:00:00Z"}})");
    const auto manifest = decode_manifest(document);
    ASSERT_TRUE(manifest) << listed(manifest.error());
    EXPECT_EQ(std::get<ConnectionPool>(*manifest).metadata.generation, 3);
    EXPECT_EQ(std::get<ConnectionPool>(*manifest).metadata.resource_version, "17");
}

TEST(Manifest, UnreadableStatusCountsAsNone) {
    const Document document =
        samples::patched(samples::pool(), R"({"status": {"replicas": "many", "epoch": 4}})");
    const auto manifest = decode_manifest(document);
    ASSERT_TRUE(manifest);
    EXPECT_EQ(std::get<ConnectionPool>(*manifest).status, ConnectionPoolStatus{});
}

TEST(Manifest, EncodedResourceIsReadBackAsItWas) {
    auto pool = std::get<ConnectionPool>(decode_manifest(samples::pool()).value());
    pool.status.observed_generation = 2;
    pool.status.conditions.push_back(
        {"Ready", ConditionStatus::True, 2, "2024-01-01T00:00:00Z", "Available", "two proxies"}
    );
    pool.status.budget = BudgetStatus{40, 4, 20, 18};
    pool.status.proxies.push_back({"main-1", "Ready", 10, 9, 100, 0});
    EXPECT_EQ(std::get<ConnectionPool>(decode_manifest(encode_manifest(pool)).value()), pool);

    const auto policy = std::get<Backpressure>(decode_manifest(samples::policy()).value());
    EXPECT_EQ(std::get<Backpressure>(decode_manifest(encode_manifest(policy)).value()), policy);
}

TEST(Manifest, UnsetMetadataIsNotWritten) {
    const auto pool = std::get<ConnectionPool>(decode_manifest(samples::pool()).value());
    EXPECT_EQ(
        encode_manifest(pool)["metadata"],
        samples::json(R"({"name": "main", "namespace": "default"})")
    );
}

}  // namespace
}  // namespace penstock::api
