#include "operator/host/host_proxy.hpp"

#include "crds/api/decode.hpp"
#include "tests/unit/operator/host/host_world.hpp"

#include <csignal>

#include <gmock/gmock.h>

namespace penstock::host {
namespace {

using domain::ProxyPhase;
using testing::HasSubstr;

class HostProxyTest : public testing::Test {
 protected:
    void start(const std::string& program = HostWorld::fake_proxy) {
        surroundings_.emplace(world_.surroundings(program));
        auto proxy = HostProxy::start(*surroundings_, world_.workload());
        ASSERT_TRUE(proxy) << api::to_string(proxy.error());
        proxy_ = *std::move(proxy);
    }
    void TearDown() override {
        if (!proxy_) return;
        proxy_->kill();
        EXPECT_TRUE(await_phase(ProxyPhase::Gone));
    }
    bool await(const std::function<bool()>& is_true) {
        return world_.await(is_true, [this] { proxy_->exchange(); });
    }
    bool await_phase(ProxyPhase phase) {
        return await([&] { return seen().phase == phase; });
    }
    const domain::Proxy& seen() const { return proxy_->seen(); }
    ProxyRecord record() const { return load_proxies(world_.folder / "proxies").at(0); }

    HostWorld world_;
    std::optional<ProxySurroundings> surroundings_;
    std::unique_ptr<HostProxy> proxy_;
};

TEST_F(HostProxyTest, RunsOnceItHasAnsweredAndIsReady) {
    start();
    EXPECT_EQ(seen().phase, ProxyPhase::Starting);
    EXPECT_EQ(seen().pool, "default/orders");
    EXPECT_EQ(seen().restart_hash, "first");
    ASSERT_TRUE(await([&] { return seen().ready; })) << seen().fault;
    EXPECT_EQ(seen().phase, ProxyPhase::Running);
    EXPECT_EQ(seen().report->proxy_id, seen().id);
    EXPECT_EQ(seen().fault, "");
    EXPECT_GT(world_.news, 0);
}

TEST_F(HostProxyTest, GrantIsInForceAfterThePush) {
    start();
    // Before the admin port is known: it waits.
    proxy_->push({1, 1, 7, std::nullopt});
    ASSERT_TRUE(await([&] { return seen().report && seen().report->granted == 7; }));
    proxy_->push({1, 2, 9, std::nullopt});
    ASSERT_TRUE(await([&] { return seen().report->granted == 9; }));
    EXPECT_EQ(seen().report->sequence, 2U);
}

TEST_F(HostProxyTest, RefusedGrantIsNoFaultAndTheReportSaysWhatIsInForce) {
    start();
    proxy_->push({5, 1, 7, std::nullopt});
    ASSERT_TRUE(await([&] { return seen().report && seen().report->granted == 7; }));
    proxy_->push({4, 9, 3, std::nullopt});
    const auto before = seen().reported;
    ASSERT_TRUE(await([&] { return seen().reported > before; }));
    EXPECT_EQ(seen().report->epoch, 5U);
    EXPECT_EQ(seen().fault, "");
}

TEST_F(HostProxyTest, ChangedConfigurationIsReadWithoutARestart) {
    start();
    ASSERT_TRUE(await([&] { return seen().ready; }));
    const pid_t pid = record().process.pid;
    domain::Workload workload = world_.workload();
    workload.config.generation = 2;
    ASSERT_TRUE(proxy_->configure(workload.config));
    EXPECT_TRUE(await([&] { return seen().report->config_generation == 2; }));
    EXPECT_EQ(record().process.pid, pid);
}

TEST_F(HostProxyTest, DrainEndsIt) {
    start();
    ASSERT_TRUE(await([&] { return seen().ready; }));
    proxy_->drain(std::chrono::seconds(30));
    EXPECT_EQ(seen().phase, ProxyPhase::Draining);
    EXPECT_TRUE(record().draining);
    ASSERT_TRUE(await_phase(ProxyPhase::Gone));
    EXPECT_FALSE(proxy_->has_crashed());
    EXPECT_EQ(seen().fault, "");
    proxy_->remove_files();
    EXPECT_TRUE(load_proxies(world_.folder / "proxies").empty());
}

TEST_F(HostProxyTest, OneThatDoesNotDrainInTimeIsKilled) {
    // Deaf to SIGTERM.
    const auto script = world_.folder / "deaf.sh";
    ASSERT_TRUE(replace_file(
        script, "#!/bin/sh\ntrap '' TERM\necho up\nsleep 100 & wait\nwait\n", FileMode::Public
    ));
    std::filesystem::permissions(script, std::filesystem::perms::owner_all);
    start(script.string());
    ASSERT_TRUE(await([&] {
        return read_file(world_.folder / "logs/default_orders.log").value_or("") == "up\n";
    }));
    proxy_->drain(std::chrono::seconds(0));
    ASSERT_TRUE(await_phase(ProxyPhase::Gone));
}

TEST_F(HostProxyTest, CrashSaysHowAndWhereTheLogIs) {
    start();
    ::kill(record().process.pid, SIGKILL);
    ASSERT_TRUE(await_phase(ProxyPhase::Gone));
    EXPECT_TRUE(proxy_->has_crashed());
    EXPECT_THAT(seen().fault, HasSubstr("signal 9 (Killed)"));
    EXPECT_THAT(seen().fault, HasSubstr("default_orders.log"));
}

TEST_F(HostProxyTest, ProxyThatDoesNotAnswerKeepsItsLastReport) {
    start();
    ASSERT_TRUE(await([&] { return seen().ready; }));
    ::kill(record().process.pid, SIGSTOP);
    EXPECT_TRUE(await([&] { return !seen().fault.empty(); }));
    EXPECT_FALSE(seen().ready);
    EXPECT_TRUE(seen().report);
    EXPECT_EQ(seen().phase, ProxyPhase::Running);
    ::kill(record().process.pid, SIGCONT);
    EXPECT_TRUE(await([&] { return seen().ready && seen().fault.empty(); }));
}

TEST_F(HostProxyTest, AnotherOperatorTakesItOver) {
    start();
    proxy_->push({1, 1, 7, std::nullopt});
    ASSERT_TRUE(await([&] { return seen().report && seen().report->granted == 7; }));
    const std::string id = seen().id;
    proxy_ = HostProxy::adopt(*surroundings_, record());
    EXPECT_EQ(seen().id, id);
    ASSERT_TRUE(await([&] { return seen().ready; }));
    EXPECT_EQ(seen().report->granted, 7);
}

TEST_F(HostProxyTest, OneThatWasBeingStartedIsFoundByItsCommandLine) {
    start();
    ProxyRecord unfinished = record();
    const ProcessIdentity identity = unfinished.process;
    unfinished.process = {};
    ASSERT_TRUE(ProxyFolder(world_.folder / "proxies", seen().id).save(unfinished));
    EXPECT_EQ(record().process, identity);
}

TEST_F(HostProxyTest, OneThatEndedMeanwhileIsGone) {
    start();
    ProxyRecord ended = record();
    ++ended.process.start_ticks;
    EXPECT_EQ(HostProxy::adopt(*surroundings_, ended)->seen().phase, ProxyPhase::Gone);
}

TEST_F(HostProxyTest, ProgramThatCannotBeRunLeavesNothingBehind) {
    const auto surroundings = world_.surroundings("/no/such/proxy");
    const auto proxy = HostProxy::start(surroundings, world_.workload());
    ASSERT_FALSE(proxy);
    EXPECT_THAT(api::to_string(proxy.error()), HasSubstr("/no/such/proxy: cannot be run"));
    EXPECT_TRUE(std::filesystem::is_empty(world_.folder / "proxies"));
}

}  // namespace
}  // namespace penstock::host
