// Keeps the database's facts fresh: a thread of its own that asks every second and connects again,
// with growing pauses, when that fails. Off the hot path; nobody waits for it.
#pragma once

#include "dataplane/postgres/facts_connection.hpp"

#include <mutex>
#include <optional>
#include <thread>

namespace penstock::postgres {

class Facts {
 public:
    Facts();
    ~Facts();
    Facts(const Facts&) = delete;
    Facts& operator=(const Facts&) = delete;

    // Asks there from now on; nothing: asks nobody, and there are no facts. Any thread.
    void ask(std::optional<Target> target);

    struct Latest {
        std::optional<api::DatabaseFacts> facts;  // with their age
        std::string error;                        // of the last attempt; empty if it succeeded
    };
    // Any thread.
    Latest latest() const;

 private:
    using Clock = std::chrono::steady_clock;

    void run();
    void ask_until_woken(const Target& target);
    void publish(api::Result<api::DatabaseFacts> asked);
    // False: woken.
    bool pause(Clock::duration time) const;

    int wake_fd_;  // readable: the thread has something new to look at

    mutable std::mutex mutex_;
    std::optional<Target> target_;
    bool is_stopping_ = false;
    std::optional<api::DatabaseFacts> facts_;
    Clock::time_point facts_at_{};
    std::string error_;

    std::thread thread_;
};

}  // namespace penstock::postgres
