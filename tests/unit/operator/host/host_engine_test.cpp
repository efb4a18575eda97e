#include "operator/host/host_engine.hpp"

#include "crds/api/decode.hpp"
#include "operator/host/files.hpp"
#include "tests/unit/operator/host/host_world.hpp"

#include <gmock/gmock.h>

namespace penstock::host {
namespace {

class HostEngineTest : public testing::Test {
 protected:
    HostEngineTest() {
        for (const char* name : {"manifests", "objects", "secrets"})
            EXPECT_TRUE(make_folder(world_.folder / name, FileMode::Private));
        const std::string text =
            "apiVersion: penstock.dev/v1alpha1\nkind: ConnectionPool\nmetadata: {name: orders}\n"
            "spec:\n  database: {host: db, monitorSecretRef: {name: monitor}}\n"
            "  clients: {authentication: Trust}\n";
        EXPECT_TRUE(replace_file(world_.folder / "manifests/a.yaml", text, FileMode::Public));
        engine_ = std::make_unique<HostEngine>(
            world_.surroundings(),
            Resources::Folders{
                world_.folder / "manifests",
                world_.folder / "objects",
                world_.folder / "secrets",
                world_.folder / "status"},
            "127.0.0.7"
        );
        engine_->begin();
    }
    ~HostEngineTest() override {
        engine_->fleet().kill_all();
        EXPECT_TRUE(world_.await([&] { return engine_->fleet().all_gone(); }));
    }

    HostWorld world_;
    std::unique_ptr<HostEngine> engine_;
};

TEST_F(HostEngineTest, ObservesManifestsAndProxies) {
    EXPECT_EQ(engine_->observe().pools.size(), 1U);
    EXPECT_EQ(engine_->observe().secrets_root, (world_.folder / "secrets").string());
    engine_->apply(world_.workload());
    EXPECT_EQ(engine_->observe().proxies.size(), 2U);
}

TEST_F(HostEngineTest, ProxiesListenWhereThisHostShall) {
    engine_->apply(world_.workload());
    const ProxyFolder folder(world_.folder / "proxies", engine_->observe().proxies.front().id);
    const auto text = read_file(folder.config_file());
    ASSERT_TRUE(text);
    EXPECT_EQ(api::parse_json(*text).value()["listen"]["address"], "127.0.0.7");
}

TEST_F(HostEngineTest, WaitsForSecretsByName) {
    domain::Workload workload = world_.workload();
    workload.config.clients.users_file = (world_.folder / "secrets/default/users/list").string();
    engine_->apply(workload);
    EXPECT_THAT(
        engine_->observe().missing_secrets.at("default/orders"), testing::HasSubstr("default/users")
    );
    EXPECT_TRUE(engine_->observe().proxies.empty());
}

TEST_F(HostEngineTest, NothingIsStartedOnceItStops) {
    engine_->apply(world_.workload());
    engine_->stop();
    engine_->apply(world_.workload());
    EXPECT_TRUE(world_.await([&] { return engine_->fleet().all_gone(); }));
    EXPECT_EQ(engine_->fleet().started(), 2U);
}

}  // namespace
}  // namespace penstock::host
