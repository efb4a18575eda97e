#include "operator/host/resources.hpp"

#include "crds/yaml/yaml.hpp"
#include "operator/host/files.hpp"
#include "tests/unit/operator/host/temporary_folder.hpp"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

namespace penstock::host {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
namespace fs = std::filesystem;

class ResourcesTest : public testing::Test {
 protected:
    ResourcesTest() {
        for (const char* name : {"manifests", "objects", "secrets"})
            EXPECT_TRUE(make_folder(folder_ / name, FileMode::Private));
    }

    Resources open(Resources::Access access = Resources::Access::ReadWrite) const {
        return Resources(
            {folder_ / "manifests", folder_ / "objects", folder_ / "secrets", folder_ / "status"},
            access
        );
    }
    void manifest(const std::string& more = "", const std::string& name = "orders") const {
        const std::string text =
            "apiVersion: penstock.dev/v1alpha1\nkind: ConnectionPool\nmetadata: {name: " + name +
            "}\nspec:\n  database: {host: db, monitorSecretRef: {name: monitor}}\n"
            "  clients: {authentication: Trust}\n" +
            more;
        ASSERT_TRUE(replace_file(folder_ / "manifests" / (name + ".yaml"), text, FileMode::Public));
    }
    std::string status_text(const std::string& name = "connectionpool_default_orders.yaml") const {
        return read_file(folder_ / "status" / name).value_or("");
    }
    static domain::PoolStatusWrite status(std::int32_t replicas) {
        domain::PoolStatusWrite write;
        write.pool = "default/orders";
        write.status.replicas = replicas;
        write.status.conditions = {
            {"Ready",
             api::ConditionStatus::True,
             1,
             "2024-05-01T12:00:00Z",
             "Available",
             "all is well"}};
        return write;
    }
    static domain::Observed observe(const Resources& resources) {
        domain::Observed observed;
        resources.observe(observed);
        return observed;
    }

    TemporaryFolder folder_;
};

TEST_F(ResourcesTest, ManifestStatusAndEventsAreShownTogether) {
    manifest();
    Resources resources = open();
    resources.load();
    resources.write(status(2));
    resources.record(
        {domain::Kind::ConnectionPool,
         "default/orders",
         domain::EventType::Normal,
         "Scale",
         "ReplicasScaled",
         "from 0 to 2"}
    );
    const auto document = yaml::read_one(status_text(), "status");
    ASSERT_TRUE(document);
    EXPECT_EQ((*document)["kind"], "ConnectionPool");
    EXPECT_EQ((*document)["metadata"]["generation"], 1);
    EXPECT_EQ((*document)["spec"]["database"]["host"], "db");
    EXPECT_EQ((*document)["status"]["replicas"], 2);
    EXPECT_EQ((*document)["events"][0]["reason"], "ReplicasScaled");
    EXPECT_EQ(observe(resources).pools.at(0).status.replicas, 2);
}

TEST_F(ResourcesTest, NextRunGoesOnWhereThisOneEnded) {
    manifest();
    {
        Resources resources = open();
        resources.load();
        manifest("  replicas: 3\n");
        resources.load();
        resources.write(status(3));
        resources.record(
            {domain::Kind::ConnectionPool,
             "default/orders",
             domain::EventType::Normal,
             "Scale",
             "ReplicasScaled",
             "x"}
        );
    }
    Resources resources = open();
    resources.load();
    const auto pool = observe(resources).pools.at(0);
    EXPECT_EQ(pool.metadata.generation, 2);
    EXPECT_EQ(pool.status.conditions.at(0).last_transition_time, "2024-05-01T12:00:00Z");
    const std::uint64_t writes = resources.status_files().writes();
    resources.write(status(3));
    EXPECT_EQ(resources.status_files().writes(), writes);
    EXPECT_THAT(status_text(), HasSubstr("ReplicasScaled"));
}

TEST_F(ResourcesTest, RemovedManifestTakesItsStatusAlong) {
    manifest();
    Resources resources = open();
    resources.load();
    resources.write(status(2));
    fs::remove(folder_ / "manifests/orders.yaml");
    resources.load();
    EXPECT_TRUE(observe(resources).pools.empty());
    EXPECT_EQ(status_text(), "");
    EXPECT_TRUE(fs::is_empty(folder_ / "objects"));
    // The plan of the round that noticed it may still speak of it.
    resources.write(status(2));
    EXPECT_EQ(status_text(), "");
}

TEST_F(ResourcesTest, WrongManifestIsAFaultOfItsPool) {
    manifest();
    Resources resources = open();
    resources.load();
    manifest("  replicas: many\n");
    resources.load();
    const auto observed = observe(resources);
    ASSERT_EQ(observed.pool_faults.count("default/orders"), 1U);
    EXPECT_EQ(observed.pool_faults.at("default/orders").at(0).path, "orders.yaml:7: spec.replicas");
    EXPECT_EQ(observed.pools.at(0).spec.replicas, 2);
    EXPECT_THAT(status_text(faults_name), HasSubstr("orders.yaml:7: spec.replicas: must be"));
    manifest();
    resources.load();
    EXPECT_EQ(status_text(faults_name), "");
}

TEST_F(ResourcesTest, ResourceThatWasNeverAcceptedIsShownWithItsFault) {
    manifest("  replicas: many\n");
    Resources resources = open();
    resources.load();
    EXPECT_TRUE(observe(resources).pools.empty());
    EXPECT_THAT(status_text(), HasSubstr("InvalidManifest"));
    EXPECT_THAT(status_text(), HasSubstr("orders.yaml:7: spec.replicas"));
    fs::remove(folder_ / "manifests/orders.yaml");
    resources.load();
    EXPECT_EQ(status_text(), "");
}

TEST_F(ResourcesTest, ManifestsThatCannotBeListedDeleteNothing) {
    manifest();
    Resources resources = open();
    resources.load();
    fs::rename(folder_ / "manifests", folder_ / "elsewhere");
    resources.load();
    EXPECT_EQ(observe(resources).pools.size(), 1U);
}

TEST_F(ResourcesTest, SecretsBecomeFiles) {
    const std::string text =
        "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {k: v}\n";
    ASSERT_TRUE(replace_file(folder_ / "manifests/s.yaml", text, FileMode::Private));
    Resources resources = open();
    EXPECT_TRUE(resources.load());
    EXPECT_EQ(read_file(folder_ / "secrets/default/a/k").value(), "v");
    EXPECT_FALSE(resources.load());
    // While it is wrong, its files stay.
    ASSERT_TRUE(replace_file(folder_ / "manifests/s.yaml", "kind: Secret\n", FileMode::Private));
    EXPECT_FALSE(resources.load());
    EXPECT_TRUE(fs::exists(folder_ / "secrets/default/a/k"));
    fs::remove(folder_ / "manifests/s.yaml");
    EXPECT_TRUE(resources.load());
    EXPECT_FALSE(fs::exists(folder_ / "secrets/default/a"));
}

TEST_F(ResourcesTest, NothingStopsWhenStatusCannotBeWritten) {
    ASSERT_TRUE(replace_file(folder_ / "status", "", FileMode::Public));
    manifest();
    Resources resources = open();
    resources.load();
    resources.write(status(2));
    EXPECT_EQ(observe(resources).pools.at(0).status.replicas, 2);
    EXPECT_NE(resources.status_files().fault(), "");
    fs::remove(folder_ / "status");
    resources.retry();
    EXPECT_EQ(resources.status_files().fault(), "");
    EXPECT_THAT(status_text(), HasSubstr("replicas: 2"));
}

TEST_F(ResourcesTest, DamagedRecordBeginsAnew) {
    manifest();
    ASSERT_TRUE(
        replace_file(folder_ / "objects/connectionpool_default_orders.json", "{", FileMode::Public)
    );
    Resources resources = open();
    resources.load();
    EXPECT_EQ(observe(resources).pools.at(0).metadata.generation, 1);
}

TEST_F(ResourcesTest, ReadOnlyWritesNothing) {
    manifest();
    Resources resources = open(Resources::Access::ReadOnly);
    resources.load();
    EXPECT_EQ(observe(resources).pools.size(), 1U);
    EXPECT_FALSE(fs::exists(folder_ / "status"));
    EXPECT_TRUE(fs::is_empty(folder_ / "objects"));
}

TEST_F(ResourcesTest, NamesOfStatusFilesAreNeverTheSame) {
    EXPECT_EQ(
        status_name({"ConnectionPool", "default/orders"}), "connectionpool_default_orders.yaml"
    );
    EXPECT_NE(status_name({"ConnectionPool", "a-b/c"}), status_name({"ConnectionPool", "a/b-c"}));
}

}  // namespace
}  // namespace penstock::host
