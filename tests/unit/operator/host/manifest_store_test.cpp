#include "operator/host/manifest_store.hpp"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

namespace penstock::host {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const ResourceKey orders{"ConnectionPool", "default/orders"};
const ResourceKey calm{"Backpressure", "default/calm"};

std::string pool(const std::string& name, const std::string& more = "") {
    return "apiVersion: penstock.dev/v1alpha1\nkind: ConnectionPool\nmetadata:\n  name: " + name +
           "\nspec:\n  database:\n    host: db\n    monitorSecretRef: {name: monitor}\n"
           "  clients:\n    authentication: Trust\n" +
           more;
}

const std::string policy =
    "apiVersion: penstock.dev/v1alpha1\nkind: Backpressure\nmetadata: {name: calm}\n"
    "spec:\n  targetRefs: [{name: orders}]\n  latency: {targetMilliseconds: 50}\n";
const std::string secret =
    "apiVersion: v1\nkind: Secret\nmetadata: {name: monitor}\nstringData: {username: x}\n";

class ManifestStoreTest : public testing::Test {
 protected:
    ManifestStore::Changes load(const std::map<std::string, std::string>& files) {
        std::vector<ManifestText> texts;
        for (const auto& [file, text] : files) texts.push_back({file, text});
        return load_texts(texts);
    }
    ManifestStore::Changes load_texts(const std::vector<ManifestText>& texts) {
        return store_.load(texts, "2024-05-01T12:00:00Z", [this] {
            return "uid-" + std::to_string(++uids_);
        });
    }

    const api::Metadata& metadata(const ResourceKey& key) const {
        return metadata_of(store_.resources().at(key).resource);
    }
    const api::ConnectionPoolSpec& spec() const {
        return std::get<api::ConnectionPool>(store_.resources().at(orders).resource).spec;
    }
    std::vector<std::string> faults() const {
        std::vector<std::string> texts;
        for (const ManifestFault& fault : store_.faults()) texts.push_back(to_string(fault));
        return texts;
    }

    ManifestStore store_;
    int uids_ = 0;
};

TEST_F(ManifestStoreTest, DocumentsOfAllFilesBecomeResources) {
    const auto changes = load({{"a.yaml", pool("orders") + "---\n" + policy}, {"b.yaml", secret}});
    EXPECT_THAT(changes.kept, ElementsAre(calm, orders));
    EXPECT_THAT(changes.removed, IsEmpty());
    EXPECT_THAT(faults(), IsEmpty());
    EXPECT_EQ(metadata(orders).generation, 1);
    EXPECT_EQ(metadata(orders).creation_timestamp, "2024-05-01T12:00:00Z");
    EXPECT_NE(metadata(orders).uid, metadata(calm).uid);
    EXPECT_THAT(store_.secrets(), ElementsAre(Secret{"default", "monitor", {{"username", "x"}}}));
}

TEST_F(ManifestStoreTest, OnlyAChangedSpecCountsTheGenerationUp) {
    load({{"a.yaml", pool("orders")}});
    const std::string uid = metadata(orders).uid;
    EXPECT_THAT(load({{"a.yaml", pool("orders")}}).kept, IsEmpty());
    // A default that is written out changes nothing.
    EXPECT_THAT(load({{"a.yaml", pool("orders", "  replicas: 2\n")}}).kept, IsEmpty());
    EXPECT_THAT(load({{"a.yaml", pool("orders", "  replicas: 3\n")}}).kept, ElementsAre(orders));
    EXPECT_EQ(metadata(orders).generation, 2);
    EXPECT_EQ(metadata(orders).uid, uid);

    std::string labelled = pool("orders", "  replicas: 3\n");
    labelled.replace(labelled.find("spec:"), 0, "  labels: {a: b}\n");
    EXPECT_THAT(load({{"a.yaml", labelled}}).kept, ElementsAre(orders));
    EXPECT_EQ(metadata(orders).generation, 2);
    EXPECT_THAT(metadata(orders).labels, ElementsAre(testing::Pair("a", "b")));
}

TEST_F(ManifestStoreTest, RemovedFileDeletesItsResources) {
    load({{"a.yaml", pool("orders")}, {"b.yaml", policy}});
    const auto changes = load({{"b.yaml", policy}});
    EXPECT_THAT(changes.removed, ElementsAre(orders));
    EXPECT_EQ(store_.resources().count(orders), 0U);
}

TEST_F(ManifestStoreTest, MovedResourceIsTheSame) {
    load({{"a.yaml", pool("orders")}});
    const auto changes = load({{"b.yaml", pool("orders")}});
    EXPECT_THAT(changes.removed, IsEmpty());
    EXPECT_THAT(changes.kept, ElementsAre(orders));
    EXPECT_EQ(metadata(orders).generation, 1);
}

TEST_F(ManifestStoreTest, WrongSpecIsNamedByPlaceAndTheLastGoodOneStays) {
    load({{"a.yaml", pool("orders", "  replicas: 3\n")}});
    const auto changes = load({{"a.yaml", pool("orders", "  replicas: 3000\n")}});
    EXPECT_THAT(changes.kept, IsEmpty());
    EXPECT_THAT(changes.removed, IsEmpty());
    EXPECT_EQ(spec().replicas, 3);
    ASSERT_THAT(faults(), testing::SizeIs(1));
    EXPECT_THAT(faults()[0], HasSubstr("a.yaml:11: spec.replicas: must be"));
    EXPECT_EQ(store_.faults()[0].about, orders);
}

TEST_F(ManifestStoreTest, TextThatIsNoYamlLeavesAllOfItsFileInForce) {
    load({{"a.yaml", pool("orders") + "---\n" + policy}, {"b.yaml", secret}});
    const auto changes = load({{"a.yaml", "spec: {"}, {"b.yaml", secret}});
    EXPECT_THAT(changes.removed, IsEmpty());
    EXPECT_EQ(store_.resources().size(), 2U);
    ASSERT_THAT(faults(), testing::SizeIs(1));
    EXPECT_THAT(faults()[0], HasSubstr("a.yaml:2:1: "));
    EXPECT_FALSE(store_.secrets_are_complete());
}

TEST_F(ManifestStoreTest, FileThatCannotBeReadLeavesAllOfItInForce) {
    load({{"a.yaml", pool("orders")}});
    load_texts(
        {{"a.yaml", tl::unexpected(api::Error{"a.yaml", "cannot be opened: Permission denied"})}}
    );
    EXPECT_EQ(store_.resources().size(), 1U);
    EXPECT_THAT(faults(), ElementsAre("a.yaml: cannot be opened: Permission denied"));
}

TEST_F(ManifestStoreTest, ImmutableFieldIsRefused) {
    load({{"a.yaml", pool("orders")}});
    std::string moved = pool("orders");
    moved.replace(moved.find("host: db"), 8, "host: other");
    load({{"a.yaml", moved}});
    EXPECT_EQ(spec().database.host, "db");
    ASSERT_THAT(faults(), testing::SizeIs(1));
    EXPECT_THAT(faults()[0], HasSubstr("a.yaml:7: spec.database.host: must not change"));
}

TEST_F(ManifestStoreTest, SecondManifestOfTheSameResourceIsRefused) {
    load({{"a.yaml", pool("orders")}, {"b.yaml", pool("orders", "  replicas: 5\n")}});
    EXPECT_EQ(spec().replicas, 2);
    EXPECT_THAT(
        faults(),
        ElementsAre("b.yaml:4: metadata.name: is the same as at a.yaml:1; remove one of both")
    );
}

TEST_F(ManifestStoreTest, ResourcesOfOtherGroupsArePassedOver) {
    load({{"a.yaml", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}\nspec: {}\n"}});
    EXPECT_THAT(faults(), IsEmpty());
}

TEST_F(ManifestStoreTest, WrongSecretKeepsItsLastGoodOne) {
    load({{"s.yaml", secret}});
    load(
        {{"s.yaml",
          "apiVersion: v1\nkind: Secret\nmetadata: {name: monitor}\ndata: {username: '!'}\n"}}
    );
    EXPECT_THAT(store_.secrets(), ElementsAre(Secret{"default", "monitor", {{"username", "x"}}}));
    EXPECT_FALSE(store_.secrets_are_complete());
    ASSERT_THAT(faults(), testing::SizeIs(1));
    EXPECT_THAT(faults()[0], HasSubstr("s.yaml:4: data.username: must be base64"));
}

TEST_F(ManifestStoreTest, WhatAnEarlierRunKeptGoesOn) {
    load({{"a.yaml", pool("orders")}});
    load({{"a.yaml", pool("orders", "  replicas: 3\n")}});
    const auto document = encode_stored(store_.resources().at(orders));
    const auto stored = decode_stored(api::parse_json(document.dump()).value());
    ASSERT_TRUE(stored);
    EXPECT_EQ(*stored, store_.resources().at(orders));

    store_ = ManifestStore({*stored});
    // The manifest was broken while no operator ran.
    load({{"a.yaml", pool("orders", "  replicas: none\n")}});
    EXPECT_EQ(spec().replicas, 3);
    load({{"a.yaml", pool("orders", "  replicas: 4\n")}});
    EXPECT_EQ(metadata(orders).generation, 3);
    EXPECT_THAT(load({}).removed, ElementsAre(orders));
}

TEST_F(ManifestStoreTest, RecordThatIsNoneIsNotTaken) {
    for (const char* text : {"{}", "[]", "{\"file\": \"a\"}", "{\"file\": \"a\", \"resource\": 5}"})
        EXPECT_FALSE(decode_stored(api::parse_json(text).value())) << text;
}

// Each is refused, with the field's path and a remedy, and nothing is taken from it.
TEST_F(ManifestStoreTest, WrongManifestsAreRefusedWithPlaceAndRemedy) {
    struct Case {
        std::string text;
        const char* fault;
    };
    const std::string head = "apiVersion: penstock.dev/v1alpha1\nkind: ConnectionPool\n";
    const std::vector<Case> cases{
        {"kind: ConnectionPool\n", "apiVersion"},
        {"apiVersion: penstock.dev/v9\nkind: ConnectionPool\n",
         "must be \"penstock.dev/v1alpha1\""},
        {"apiVersion: penstock.dev/v1alpha1\n",
         "kind: is required: ConnectionPool or Backpressure"},
        {"apiVersion: penstock.dev/v1alpha1\nkind: Pool\n", "kind"},
        {head, "metadata: is required"},
        {head + "metadata: {name: x}\n", "spec: is required"},
        {head + "metadata: {name: Wrong_Name}\n", "metadata.name"},
        {head + "metadata: {}\nspec: {}\n", "metadata.name: is required"},
        {pool("x", "  replicas: two\n"), "spec.replicas"},
        {pool("x", "  replicas: -1\n"), "spec.replicas"},
        {pool("x", "  replicas: 1.5\n"), "spec.replicas"},
        {pool("x", "  replica: 2\n"), "spec.replica"},
        {pool("x", "  poolMode: Sometimes\n"), "spec.poolMode"},
        {pool("x", "  listen: {port: 0}\n"), "spec.listen.port"},
        {pool("x", "  listen: {port: 70000}\n"), "spec.listen.port"},
        {pool("x", "  listen: 6432\n"), "spec.listen"},
        {pool("x", "  budget: {weight: 0}\n"), "spec.budget.weight"},
        {pool("x", "  budget: {maxServerConnectionsPercent: 101}\n"),
         "spec.budget.maxServerConnectionsPercent"},
        {pool("x", "  sizing: {mode: Fixed}\n"), "spec.sizing.serverConnections"},
        {pool("x", "  sizing: {serverConnections: 5}\n"), "spec.sizing.serverConnections"},
        {pool("x", "  sizing: {minServerConnections: 9, maxServerConnections: 3}\n"),
         "spec.sizing.minServerConnections"},
        {pool("x", "  drain: {timeoutSeconds: -1}\n"), "spec.drain.timeoutSeconds"},
        {pool("x", "  limits: {maxClientConnections: many}\n"), "spec.limits.maxClientConnections"},
        {pool("x", "  timeouts: []\n"), "spec.timeouts"},
        {head + "metadata: {name: x}\nspec:\n  database: {host: db}\n  clients: {authentication: "
                "Trust}\n",
         "spec.database.monitorSecretRef: is required"},
        {head + "metadata: {name: x}\nspec:\n  database: {host: db, monitorSecretRef: {name: m}}\n"
                "  clients: {authentication: MD5}\n",
         "spec.clients.usersSecretRef: must be set unless authentication is Trust"},
        {"apiVersion: penstock.dev/v1alpha1\nkind: Backpressure\nmetadata: {name: x}\n"
         "spec: {latency: {targetMilliseconds: 5}}\n",
         "spec.targetRefs: must name pools"},
        {"apiVersion: penstock.dev/v1alpha1\nkind: Backpressure\nmetadata: {name: x}\n"
         "spec: {targetRefs: [{name: a}, {name: a}], latency: {targetMilliseconds: 5}}\n",
         "spec.targetRefs[1].name"},
        {"just a text\n", "x.yaml:1"},
        {"a: 1\na: 2\n", "x.yaml:2"},
        {"\tkind: ConnectionPool\n", "x.yaml:1"},
    };
    for (const Case& c : cases) {
        SCOPED_TRACE(c.text);
        load({{"x.yaml", c.text}});
        EXPECT_THAT(store_.resources(), IsEmpty());
        EXPECT_THAT(faults(), testing::Contains(HasSubstr(c.fault)));
        for (const std::string& fault : faults())
            EXPECT_THAT(fault, testing::StartsWith("x.yaml:"));
    }
}

}  // namespace
}  // namespace penstock::host
