// The command as a whole is tested in tests/local; here is what ends it at once.
#include "operator/host/local_command.hpp"

#include "operator/host/state_folder.hpp"
#include "tests/unit/operator/host/host_world.hpp"

#include <gmock/gmock.h>

namespace penstock::host {
namespace {

class LocalCommandTest : public testing::Test {
 protected:
    LocalCommandTest() {
        options_.manifests = world_.folder.path();
        options_.program = HostWorld::fake_proxy;
    }

    HostWorld world_;
    LocalOptions options_;
};

TEST_F(LocalCommandTest, StateIsBesideTheManifestsUnlessToldOtherwise) {
    EXPECT_EQ(options_.state_folder(), world_.folder / ".penstock");
    options_.state = "/elsewhere";
    EXPECT_EQ(options_.state_folder(), "/elsewhere");
}

TEST_F(LocalCommandTest, SecondOperatorOnAFolderEndsAtOnce) {
    const auto first = StateFolder::open(options_.state_folder());
    ASSERT_TRUE(first);
    EXPECT_EQ(run_local(options_), 1);
}

TEST_F(LocalCommandTest, WrongMetricsAddressEndsIt) {
    options_.metrics_address = "here";
    EXPECT_EQ(run_local(options_), 1);
}

TEST_F(LocalCommandTest, OnceWithoutPoolsEndsWell) {
    options_.once = true;
    EXPECT_EQ(run_local(options_), 0);
}

TEST_F(LocalCommandTest, OnceWithAWrongManifestDoesNot) {
    options_.once = true;
    ASSERT_TRUE(replace_file(world_.folder / "a.yaml", "kind: ConnectionPool\n", FileMode::Public));
    EXPECT_EQ(run_local(options_), 1);
}

}  // namespace
}  // namespace penstock::host
