#include "operator/host/process.hpp"

#include "crds/api/check.hpp"
#include "operator/host/files.hpp"

#include <cerrno>
#include <charconv>
#include <cstring>

// glibc 2.36 declares these without C linkage.
extern "C" {
#include <sys/pidfd.h>
}

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

namespace penstock::host {

namespace {

constexpr int report_descriptor = 3;

// Runs in the child between fork and exec: system calls only.
[[noreturn]] void become(char* const* arguments, int log, int report) {
    int number = 0;
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    for (int signal = 1; signal < NSIG; ++signal) ::signal(signal, SIG_DFL);
    ::setsid();
    const int null = ::open("/dev/null", O_RDONLY);
    const bool wired = null >= 0 && ::dup2(null, STDIN_FILENO) >= 0 &&
                       ::dup2(log, STDOUT_FILENO) >= 0 && ::dup2(log, STDERR_FILENO) >= 0 &&
                       ::dup3(report, report_descriptor, O_CLOEXEC) >= 0 &&
                       ::close_range(report_descriptor + 1, ~0U, 0) == 0;
    if (wired) ::execv(arguments[0], arguments);
    number = errno;
    const ssize_t told = ::write(wired ? report_descriptor : report, &number, sizeof number);
    ::_exit(told == sizeof number ? 127 : 126);
}

std::string how_it_ended(const siginfo_t& about) {
    if (about.si_code == CLD_EXITED) return "exit status " + std::to_string(about.si_status);
    return "signal " + std::to_string(about.si_status) + " (" + ::strsignal(about.si_status) + ")";
}

// The process that has this pid, which may have ended and wait for its parent.
struct Present {
    ProcessIdentity identity;
    bool is_zombie = false;
};

std::optional<Present> look_up(pid_t pid) {
    const auto text = read_file("/proc/" + std::to_string(pid) + "/stat");
    if (!text) return std::nullopt;
    // The second field is the program's name in brackets and may hold anything; the third is the
    // state, the 22nd the start time.
    std::size_t at = text->rfind(')');
    if (at == std::string::npos || at + 2 >= text->size()) return std::nullopt;
    at += 2;
    Present present{{pid, 0}, (*text)[at] == 'Z' || (*text)[at] == 'X'};
    for (int field = 3; field < 22; ++field) {
        at = text->find(' ', at);
        if (at == std::string::npos) return std::nullopt;
        ++at;
    }
    std::from_chars(text->data() + at, text->data() + text->size(), present.identity.start_ticks);
    return present;
}

}  // namespace

std::optional<ProcessIdentity> identify(pid_t pid) {
    const auto present = look_up(pid);
    if (!present || present->is_zombie) return std::nullopt;
    return present->identity;
}

api::Result<ProcessIdentity> launch(const Launch& what) {
    const std::string& program = what.command.front();
    const auto failed = [&](const char* step, int number) {
        return tl::unexpected(api::Error{program, std::string(step) + ": " + std::strerror(number)}
        );
    };
    std::vector<char*> arguments;
    for (const std::string& argument : what.command)
        arguments.push_back(const_cast<char*>(argument.c_str()));
    arguments.push_back(nullptr);

    const int log = ::open(what.log_file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (log < 0) return tl::unexpected(api::Error{what.log_file.string(), std::strerror(errno)});
    int report[2];
    if (::pipe2(report, O_CLOEXEC) != 0) {
        const int number = errno;
        ::close(log);
        return failed("cannot make a pipe", number);
    }
    const pid_t pid = ::fork();
    if (pid == 0) become(arguments.data(), log, report[1]);
    const int fork_error = errno;
    ::close(log);
    ::close(report[1]);
    if (pid < 0) {
        ::close(report[0]);
        return failed("cannot fork", fork_error);
    }
    // The pipe closes at exec; until then the child may say why there is none.
    int number = 0;
    ssize_t got = 0;
    do {
        got = ::read(report[0], &number, sizeof number);
    } while (got < 0 && errno == EINTR);
    ::close(report[0]);
    if (got == sizeof number) {
        ::waitpid(pid, nullptr, 0);
        return failed("cannot be run", number);
    }
    // It is ours, so that it is there, as a zombie at least, until we have waited for it.
    const auto present = look_up(pid);
    CHECK(present);
    return present->identity;
}

void rotate_log(const std::filesystem::path& log_file, std::uintmax_t bytes_max) {
    std::error_code error;
    const std::uintmax_t size = std::filesystem::file_size(log_file, error);
    if (error || size <= bytes_max) return;
    std::filesystem::rename(log_file, log_file.string() + ".1", error);
}

struct Process::State : std::enable_shared_from_this<Process::State> {
    State(boost::asio::io_context& io, ProcessIdentity who, int descriptor, OnExit handler)
        : identity(who), pidfd(io, descriptor), on_exit(std::move(handler)) {}

    void wait() {
        pidfd.async_wait(
            boost::asio::posix::descriptor_base::wait_read,
            [self = shared_from_this()](const boost::system::error_code& error) {
                if (!error) self->ended();
            }
        );
    }

    void ended() {
        siginfo_t about{};
        // Not our child: an adopted one, whose exit status belongs to another.
        const bool ours =
            ::waitid(
                P_PIDFD, static_cast<id_t>(pidfd.native_handle()), &about, WEXITED | WNOHANG
            ) == 0;
        const OnExit handler = std::move(on_exit);
        on_exit = nullptr;
        if (handler) handler(ours ? how_it_ended(about) : "gone");
    }

    ProcessIdentity identity;
    boost::asio::posix::stream_descriptor pidfd;
    OnExit on_exit;
};

std::unique_ptr<Process> Process::watch(
    boost::asio::io_context& io, ProcessIdentity identity, OnExit on_exit
) {
    const int descriptor = ::pidfd_open(identity.pid, 0);
    if (descriptor < 0) return nullptr;
    // Asked after the pidfd is open: from here on it cannot become another process.
    const auto present = look_up(identity.pid);
    if (!present || present->identity != identity) {
        ::close(descriptor);
        return nullptr;
    }
    auto state = std::make_shared<State>(io, identity, descriptor, std::move(on_exit));
    state->wait();
    return std::unique_ptr<Process>(new Process(std::move(state)));
}

Process::Process(std::shared_ptr<State> state) : state_(std::move(state)) {}

Process::~Process() {
    state_->on_exit = nullptr;
    boost::system::error_code ignored;
    state_->pidfd.close(ignored);
}

ProcessIdentity Process::identity() const { return state_->identity; }

bool Process::signal(int number) {
    return ::pidfd_send_signal(state_->pidfd.native_handle(), number, nullptr, 0) == 0;
}

}  // namespace penstock::host
