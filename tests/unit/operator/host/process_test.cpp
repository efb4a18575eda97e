#include "operator/host/process.hpp"

#include "operator/host/files.hpp"
#include "tests/unit/operator/host/temporary_folder.hpp"

#include <chrono>

#include <boost/asio/io_context.hpp>
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

namespace penstock::host {
namespace {

using namespace std::chrono_literals;

class ProcessTest : public testing::Test {
 protected:
    // A shell script in a process of its own.
    ProcessIdentity run(const std::string& script) {
        const auto identity = launch({{"/bin/sh", "-c", script}, folder_ / "log"});
        EXPECT_TRUE(identity) << api::to_string(identity.error());
        return identity.value_or(ProcessIdentity{});
    }

    // Watches it to its end and says how that came.
    std::string await_exit(ProcessIdentity identity, int signal = 0) {
        std::string how;
        const auto process =
            Process::watch(io_, identity, [&](const std::string& text) { how = text; });
        EXPECT_NE(process, nullptr);
        if (process && signal != 0) {
            EXPECT_TRUE(process->signal(signal));
        }
        io_.run_for(10s);
        io_.restart();
        return how;
    }

    TemporaryFolder folder_;
    boost::asio::io_context io_{1};
};

TEST_F(ProcessTest, OutputGoesToTheLogAndTheExitStatusIsTold) {
    EXPECT_EQ(await_exit(run("echo hello; echo oops >&2; sleep 0.1; exit 3")), "exit status 3");
    EXPECT_THAT(read_file(folder_ / "log").value(), testing::HasSubstr("hello\noops\n"));
}

TEST_F(ProcessTest, SignalThatEndedItIsTold) {
    EXPECT_EQ(await_exit(run("exec sleep 100"), SIGKILL), "signal 9 (Killed)");
}

TEST_F(ProcessTest, HasASessionOfItsOwnAndNoDescriptorOfOurs) {
    int leak[2];
    ASSERT_EQ(::pipe(leak), 0);  // without close-on-exec
    const ProcessIdentity identity = run("exec sleep 100");
    EXPECT_EQ(::getsid(identity.pid), identity.pid);
    std::error_code error;
    const auto ours = std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(leak[0]));
    const std::string theirs = "/proc/" + std::to_string(identity.pid) + "/fd";
    for (const auto& descriptor : std::filesystem::directory_iterator(theirs))
        EXPECT_NE(std::filesystem::read_symlink(descriptor.path(), error), ours);
    EXPECT_EQ(await_exit(identity, SIGTERM), "signal 15 (Terminated)");
    ::close(leak[0]);
    ::close(leak[1]);
}

TEST_F(ProcessTest, ProgramThatIsNotThereIsAnErrorThatNamesIt) {
    const auto identity = launch({{"/no/such/program"}, folder_ / "log"});
    ASSERT_FALSE(identity);
    EXPECT_EQ(
        api::to_string(identity.error()),
        "/no/such/program: cannot be run: No such file or directory"
    );
}

TEST_F(ProcessTest, AnotherProcessWithTheSamePidIsNotTakenForIt) {
    ProcessIdentity earlier = identify(::getpid()).value();
    --earlier.start_ticks;
    EXPECT_EQ(Process::watch(io_, earlier, nullptr), nullptr);
}

TEST_F(ProcessTest, ProcessOfAnotherParentIsWatchedToo) {
    // The shell in between ends, so that the sleeper is not our child.
    const std::string file = (folder_ / "pid").string();
    await_exit(run("sleep 100 & echo $! > " + file));
    const auto identity = identify(std::stoi(read_file(file).value()));
    ASSERT_TRUE(identity);
    EXPECT_EQ(await_exit(*identity, SIGKILL), "gone");
}

TEST_F(ProcessTest, ZombieCountsAsGone) {
    const pid_t pid = ::fork();
    if (pid == 0) ::_exit(0);
    siginfo_t about{};
    ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(pid), &about, WEXITED | WNOWAIT), 0);
    EXPECT_EQ(identify(pid), std::nullopt);
    ::waitpid(pid, nullptr, 0);
}

TEST_F(ProcessTest, DestroyedWatchDoesNotCall) {
    const ProcessIdentity identity = run("exec sleep 100");
    Process::watch(io_, identity, [](const std::string&) { FAIL(); }).reset();
    EXPECT_EQ(await_exit(identity, SIGKILL), "signal 9 (Killed)");
}

TEST_F(ProcessTest, LogThatOutgrewItsSizeIsMovedAside) {
    ASSERT_TRUE(replace_file(folder_ / "log", "12345", FileMode::Public));
    rotate_log(folder_ / "log", 5);
    EXPECT_TRUE(std::filesystem::exists(folder_ / "log"));
    rotate_log(folder_ / "log", 4);
    EXPECT_FALSE(std::filesystem::exists(folder_ / "log"));
    EXPECT_EQ(read_file(folder_ / "log.1").value(), "12345");
}

}  // namespace
}  // namespace penstock::host
