// A program started by a test. It ends with the test at the latest, even if the test is killed.
#pragma once

#include <cstdlib>
#include <string>
#include <vector>

#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace penstock::test {

class Child {
 public:
    // user: run as that one, if we are root. Output goes to log_path.
    Child(
        const std::vector<std::string>& command,
        const std::string& log_path,
        const char* user = nullptr
    ) {
        std::vector<char*> arguments;
        for (const std::string& each : command)
            arguments.push_back(const_cast<char*>(each.c_str()));
        arguments.push_back(nullptr);
        const passwd* const account =
            user != nullptr && ::getuid() == 0 ? ::getpwnam(user) : nullptr;
        pid_ = ::fork();
        if (pid_ != 0) return;
        ::prctl(PR_SET_PDEATHSIG, SIGQUIT);
        const int log = ::open(log_path.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
        ::dup2(log, 1);
        ::dup2(log, 2);
        if (account != nullptr &&
            (::setgid(account->pw_gid) != 0 || ::setuid(account->pw_uid) != 0)) {
            ::_exit(127);
        }
        ::execv(arguments[0], arguments.data());
        ::_exit(127);
    }
    ~Child() { stop(SIGKILL); }
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;

    pid_t pid() const { return pid_; }
    // The exit code; 128 and more: ended by a signal.
    int wait() {
        if (pid_ <= 0) return code_;
        int status = 0;
        ::waitpid(pid_, &status, 0);
        pid_ = -1;
        code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        return code_;
    }
    int stop(int signal) {
        if (pid_ > 0) ::kill(pid_, signal);
        return wait();
    }

 private:
    pid_t pid_ = -1;
    int code_ = 0;
};

}  // namespace penstock::test
