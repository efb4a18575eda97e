// Keys that want attention, each in one place: added twice it is due once, at the earlier time.
// A key that was taken is not given out again before its outcome is known; what is added meanwhile
// waits for that. Failures are retried at doubling intervals. Owned by the deciding thread.
#pragma once

#include "operator/runtime/outcome.hpp"

#include <chrono>
#include <map>
#include <optional>
#include <string>

namespace penstock::runtime {

class WorkQueue {
 public:
    using Time = std::chrono::steady_clock::time_point;

    struct Backoff {
        std::chrono::milliseconds first{100};
        std::chrono::milliseconds most{30'000};
    };

    explicit WorkQueue(Backoff backoff) : backoff_(backoff) {}

    // Makes the key due at `at`, or earlier if it is already.
    void add(const std::string& key, Time at);

    // The key that is due longest; ties by name. It is in progress until finish().
    std::optional<std::string> take(Time now);

    // Says what became of a key that was taken.
    void finish(const std::string& key, const Outcome& outcome, Time now);

    // Drops the key and its failures; a finish() that is still to come changes nothing.
    void forget(const std::string& key);

    // When take() will give a key, unless something is added before.
    std::optional<Time> next() const;

    bool empty() const { return items_.empty(); }

 private:
    struct Item {
        std::optional<Time> due;
        bool in_progress = false;
        int failures = 0;
    };
    std::chrono::milliseconds delay_after(int failures) const;

    Backoff backoff_;
    std::map<std::string, Item> items_;
};

}  // namespace penstock::runtime
