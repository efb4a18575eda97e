#include "operator/host/host_fleet.hpp"

#include "tests/unit/operator/host/host_world.hpp"

#include <csignal>

#include <gmock/gmock.h>

namespace penstock::host {
namespace {

using domain::ProxyPhase;
using testing::HasSubstr;

class HostFleetTest : public testing::Test {
 protected:
    void make(const std::string& program = HostWorld::fake_proxy) {
        fleet_ =
            std::make_unique<HostFleet>(world_.surroundings(program), world_.folder / "secrets");
    }
    void TearDown() override {
        if (!fleet_) return;
        fleet_->kill_all();
        EXPECT_TRUE(world_.await([&] { return fleet_->all_gone(); }));
    }
    bool await(const std::function<bool()>& is_true) {
        return world_.await(is_true, [this] { fleet_->exchange(); });
    }
    std::size_t count(ProxyPhase phase) const {
        std::size_t found = 0;
        for (const domain::Proxy& proxy : fleet_->proxies()) found += proxy.phase == phase ? 1 : 0;
        return found;
    }
    pid_t pid_of(const std::string& id) const {
        for (const ProxyRecord& record : load_proxies(world_.folder / "proxies")) {
            if (record.id == id) return record.process.pid;
        }
        return 0;
    }

    HostWorld world_;
    std::unique_ptr<HostFleet> fleet_;
};

TEST_F(HostFleetTest, StartsWhatIsAskedForAndNoMoreThanAllowed) {
    make();
    domain::Workload workload = world_.workload();
    workload.replicas = 3;
    workload.starts_allowed = 1;
    fleet_->apply(workload);
    EXPECT_EQ(fleet_->proxies().size(), 1U);
    workload.starts_allowed = 5;
    fleet_->apply(workload);
    EXPECT_EQ(fleet_->proxies().size(), 3U);
    EXPECT_TRUE(fleet_->is_starting());
    EXPECT_TRUE(await([&] { return count(ProxyPhase::Running) == 3; }));
    EXPECT_FALSE(fleet_->is_starting());
    fleet_->apply(workload);
    EXPECT_EQ(fleet_->started(), 3U);
    EXPECT_TRUE(fleet_->faults().empty());
}

TEST_F(HostFleetTest, FewerReplicasDrainTheRest) {
    make();
    domain::Workload workload = world_.workload();
    fleet_->apply(workload);
    ASSERT_TRUE(await([&] { return count(ProxyPhase::Running) == 2; }));
    workload.replicas = 1;
    fleet_->apply(workload);
    EXPECT_EQ(count(ProxyPhase::Draining), 1U);
    EXPECT_TRUE(await([&] { return count(ProxyPhase::Gone) == 1; }));
}

TEST_F(HostFleetTest, AnotherHashReplacesAllOfThem) {
    make();
    domain::Workload workload = world_.workload();
    fleet_->apply(workload);
    ASSERT_TRUE(await([&] { return count(ProxyPhase::Running) == 2; }));
    workload.restart_hash = "second";
    EXPECT_TRUE(world_.await(
        [&] {
            std::size_t replaced = 0;
            for (const domain::Proxy& proxy : fleet_->proxies())
                replaced += proxy.restart_hash == "second" && proxy.ready ? 1 : 0;
            return replaced == 2 && count(ProxyPhase::Running) == 2;
        },
        [&] {
            fleet_->exchange();
            fleet_->apply(workload);
        }
    ));
    EXPECT_EQ(fleet_->crashed(), 0U);
}

TEST_F(HostFleetTest, CrashedProxyIsReplacedAtOnce) {
    make();
    fleet_->apply(world_.workload());
    ASSERT_TRUE(await([&] { return count(ProxyPhase::Running) == 2; }));
    ::kill(pid_of(fleet_->proxies().front().id), SIGKILL);
    ASSERT_TRUE(await([&] { return count(ProxyPhase::Gone) == 1; }));
    fleet_->apply(world_.workload());
    EXPECT_TRUE(await([&] { return count(ProxyPhase::Running) == 2; }));
    EXPECT_EQ(fleet_->crashed(), 1U);
}

TEST_F(HostFleetTest, ProxiesThatKeepEndingAreNotStartedAllTheTime) {
    make("/bin/false");
    EXPECT_TRUE(world_.await(
        [&] { return fleet_->faults().count("default/orders") > 0; },
        [&] { fleet_->apply(world_.workload()); }
    ));
    EXPECT_THAT(
        fleet_->faults().at("default/orders"), HasSubstr("in a row; the last ended: exit status 1")
    );
    EXPECT_LE(fleet_->started(), 4U);
}

TEST_F(HostFleetTest, MissingSecretIsWaitedFor) {
    make();
    domain::Workload workload = world_.workload();
    workload.config.clients.users_file =
        (world_.folder / "secrets/default/users/userlist.txt").string();
    fleet_->apply(workload);
    EXPECT_TRUE(fleet_->proxies().empty());
    EXPECT_EQ(
        fleet_->missing().at("default/orders"), "Secret default/users is missing; add its manifest"
    );
    ASSERT_TRUE(make_folder(world_.folder / "secrets/default/users", FileMode::Private));
    ASSERT_TRUE(replace_file(*workload.config.clients.users_file, "", FileMode::Private));
    fleet_->apply(workload);
    EXPECT_TRUE(fleet_->missing().empty());
    EXPECT_EQ(fleet_->proxies().size(), 2U);
}

TEST_F(HostFleetTest, PortOfARunningPoolIsNotSharedWithAnother) {
    make();
    fleet_->apply(world_.workload("default/orders", 6432));
    fleet_->apply(world_.workload("default/carts", 6432));
    fleet_->apply(world_.workload("default/orders", 6432));
    EXPECT_EQ(fleet_->proxies().size(), 2U);
    EXPECT_THAT(
        fleet_->faults().at("default/carts"),
        HasSubstr("spec.listen.port 6432 is also that of pool default/orders")
    );
    EXPECT_EQ(fleet_->faults().count("default/orders"), 0U);
    fleet_->apply(world_.workload("default/carts", 6433));
    EXPECT_EQ(fleet_->proxies().size(), 4U);
}

TEST_F(HostFleetTest, RemovedPoolDrainsAndIsForgotten) {
    make();
    fleet_->apply(world_.workload());
    ASSERT_TRUE(await([&] { return count(ProxyPhase::Running) == 2; }));
    fleet_->remove("default/orders");
    ASSERT_TRUE(await([&] { return fleet_->all_gone(); }));
    EXPECT_EQ(fleet_->proxies().size(), 2U);
    for (const domain::Proxy& proxy : fleet_->proxies()) fleet_->forget(proxy.id);
    EXPECT_TRUE(fleet_->proxies().empty());
    EXPECT_TRUE(std::filesystem::is_empty(world_.folder / "proxies"));
}

TEST_F(HostFleetTest, LivingProxyIsNotForgotten) {
    make();
    fleet_->apply(world_.workload());
    fleet_->forget(fleet_->proxies().front().id);
    EXPECT_EQ(fleet_->proxies().size(), 2U);
}

TEST_F(HostFleetTest, AnotherOperatorTakesOverThoseThatLive) {
    make();
    fleet_->apply(world_.workload());
    ASSERT_TRUE(await([&] { return count(ProxyPhase::Running) == 2; }));
    const std::string ended = fleet_->proxies().front().id;
    const pid_t pid = pid_of(ended);
    make();
    ::kill(pid, SIGKILL);
    ASSERT_TRUE(world_.await([&] { return !identify(pid); }));
    fleet_->adopt();
    ASSERT_EQ(fleet_->proxies().size(), 1U);
    EXPECT_NE(fleet_->proxies().front().id, ended);
    EXPECT_TRUE(await([&] { return count(ProxyPhase::Running) == 1; }));
}

}  // namespace
}  // namespace penstock::host
