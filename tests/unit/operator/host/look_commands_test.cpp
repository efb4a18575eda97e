#include "operator/host/look_commands.hpp"

#include "operator/host/files.hpp"
#include "tests/unit/operator/host/temporary_folder.hpp"

#include <thread>

#include <gmock/gmock.h>

namespace penstock::host {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

class LookCommandsTest : public testing::Test {
 protected:
    LookCommandsTest() {
        options_.state = folder_.path();
        options_.kind = "cpool";
    }
    void put(const std::string& ready, std::int64_t generation = 1) const {
        ASSERT_TRUE(make_folder(folder_ / "status", FileMode::Public));
        const std::string text =
            "apiVersion: penstock.dev/v1alpha1\nkind: ConnectionPool\n"
            "metadata: {name: orders, namespace: default, generation: " +
            std::to_string(generation) + "}\nstatus:\n  conditions:\n  - {type: Ready, status: '" +
            ready + "', reason: X, message: x, observedGeneration: 1}\n";
        ASSERT_TRUE(replace_file(
            folder_ / "status/connectionpool_default_orders.yaml", text, FileMode::Public
        ));
    }
    // Exit status, and what was printed.
    template <class Command>
    int run(const Command& command) {
        testing::internal::CaptureStdout();
        testing::internal::CaptureStderr();
        const int status = command();
        out_ = testing::internal::GetCapturedStdout();
        error_ = testing::internal::GetCapturedStderr();
        return status;
    }
    int get(Output output = Output::Table) {
        return run([&] { return run_get(options_, output); });
    }
    int wait(const std::string& condition, std::chrono::seconds timeout) {
        return run([&] { return run_wait(options_, condition, timeout); });
    }

    TemporaryFolder folder_;
    LookOptions options_;
    std::string out_;
    std::string error_;
};

TEST_F(LookCommandsTest, GetPrintsTheTableAndThatNobodyKeepsItCurrent) {
    put("True");
    EXPECT_EQ(get(), 0);
    EXPECT_THAT(out_, HasSubstr("\norders   True "));
    EXPECT_THAT(error_, HasSubstr("no operator runs"));
}

TEST_F(LookCommandsTest, GetTellsFaultsOfManifests) {
    put("True");
    ASSERT_TRUE(
        replace_file(folder_ / "status/manifest-faults.txt", "a.yaml:3: wrong\n", FileMode::Public)
    );
    EXPECT_EQ(get(), 0);
    EXPECT_THAT(error_, HasSubstr("not in force: a.yaml:3: wrong"));
}

TEST_F(LookCommandsTest, UnknownNameIsNotFound) {
    put("True");
    options_.name = "x";
    EXPECT_EQ(get(), 1);
    EXPECT_THAT(error_, HasSubstr("(NotFound): connectionpools.penstock.dev \"x\" not found"));
    EXPECT_EQ(run([&] { return run_describe(options_); }), 1);
}

TEST_F(LookCommandsTest, NothingThereIsNoError) {
    put("True");
    options_.kind = "bpres";
    EXPECT_EQ(get(), 0);
    EXPECT_THAT(error_, HasSubstr("No resources found in default namespace."));
}

TEST_F(LookCommandsTest, UnknownKindSaysWhichThereAre) {
    options_.kind = "pods";
    EXPECT_EQ(get(), 1);
    EXPECT_THAT(error_, HasSubstr("no resource type \"pods\"; try cpool or bpres"));
}

TEST_F(LookCommandsTest, KindAndNameMayBeOneWord) {
    put("True");
    options_.kind = "cpool/orders";
    EXPECT_EQ(get(Output::Name), 0);
    EXPECT_EQ(out_, "connectionpool.penstock.dev/orders\n");
    EXPECT_EQ(run([&] { return run_describe(options_); }), 0);
    EXPECT_THAT(out_, HasSubstr("Name:"));
}

TEST_F(LookCommandsTest, WaitEndsWhenTheConditionIsMet) {
    put("False");
    options_.kind = "cpool/orders";
    std::thread later([&] {
        std::this_thread::sleep_for(100ms);
        put("True");
    });
    EXPECT_EQ(wait("condition=Ready", 20s), 0);
    EXPECT_EQ(out_, "connectionpool.penstock.dev/orders condition met\n");
    later.join();
    EXPECT_EQ(wait("condition=Ready=False", 0s), 1);
}

TEST_F(LookCommandsTest, WaitDoesNotTakeAWordAboutAnEarlierSpec) {
    put("True", 2);
    options_.kind = "cpool/orders";
    EXPECT_EQ(wait("condition=Ready", 0s), 1);
    EXPECT_THAT(error_, HasSubstr("timed out waiting for the condition on connectionpools/orders"));
}

TEST_F(LookCommandsTest, WaitForDeletionAndForWhatIsNotThere) {
    put("True");
    options_.kind = "cpool/x";
    EXPECT_EQ(wait("delete", 0s), 0);
    EXPECT_EQ(wait("condition=Ready", 0s), 1);
    EXPECT_THAT(error_, HasSubstr("not found"));
    EXPECT_EQ(wait("Ready", 0s), 1);
    EXPECT_THAT(error_, HasSubstr("--for must be"));
}

}  // namespace
}  // namespace penstock::host
