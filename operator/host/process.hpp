// Processes on this host that outlive us: started in a session of their own, found again after our
// restart by pid and start time, awaited and signalled through a pidfd, so that a reused pid is
// never taken for them.
#pragma once

#include "crds/api/result.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace boost::asio {
class io_context;
}

namespace penstock::host {

// Names one process of this boot for good.
struct ProcessIdentity {
    pid_t pid = 0;
    std::uint64_t start_ticks = 0;  // since boot, of /proc/PID/stat

    bool operator==(const ProcessIdentity&) const = default;
};

// The identity of a living process; nothing for one that is gone or a zombie.
std::optional<ProcessIdentity> identify(pid_t pid);

struct Launch {
    std::vector<std::string> command;  // the program's path first
    std::filesystem::path log_file;    // takes stdout and stderr, appended
};

// Starts the command in a session of its own, with no descriptor of ours. An error says why it
// could not run.
api::Result<ProcessIdentity> launch(const Launch& what);

// Moves a log that has outgrown `bytes_max` to NAME.1. A writer that has it open goes on in NAME.1.
void rotate_log(const std::filesystem::path& log_file, std::uintmax_t bytes_max);

// A process that is being watched. Lives on its io_context's thread.
class Process {
 public:
    // How it ended: "exit status 1", "signal 9 (Killed)", or "gone" for one that is not our child.
    using OnExit = std::function<void(const std::string& how)>;

    // Nothing if the process is gone already. `on_exit` is called once, from the io_context, unless
    // this object is destroyed first.
    static std::unique_ptr<Process> watch(
        boost::asio::io_context& io, ProcessIdentity identity, OnExit on_exit
    );
    ~Process();
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;

    ProcessIdentity identity() const;
    // False if it is gone.
    bool signal(int number);

 private:
    struct State;
    explicit Process(std::shared_ptr<State> state);
    std::shared_ptr<State> state_;
};

}  // namespace penstock::host
