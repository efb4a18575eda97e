// What is to be written at the API server: for each key the newest request, one in flight at a
// time, repeated with back-off until the server has taken it. Decides nothing about what is wanted
// and does not compare with what is there. A machine without IO, owned by the deciding thread.
//
//   want() -> take() -> (the owner sends) -> finish() with the answer
#pragma once

#include "operator/runtime/api_error.hpp"
#include "operator/runtime/backoff.hpp"
#include "operator/runtime/request.hpp"
#include "operator/runtime/token_bucket.hpp"
#include "operator/runtime/work_queue.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>

namespace penstock::runtime {

struct Write {
    Request request;
    // A delete of what is gone is done, and so is a create (of a name that only we use) of what is
    // there; other writes are tried again when they meet that.
    bool done_if_missing = false;
    bool done_if_there = false;

    bool operator==(const Write&) const = default;
};

struct WriterSettings {
    int in_flight_max = 8;
    double rate = 20.0;  // requests a second, after
    double burst = 40.0;
    WorkQueue::Backoff backoff{std::chrono::milliseconds(200), std::chrono::milliseconds(300'000)};
    std::uint64_t seed = 1;
};

struct WriterCounters {
    std::uint64_t sent = 0;
    std::uint64_t done = 0;
    std::uint64_t retried = 0;
    std::uint64_t terminal = 0;
    std::uint64_t replaced = 0;  // never sent, as something newer was wanted
};

class Writer {
 public:
    using Time = std::chrono::steady_clock::time_point;

    struct Job {
        std::string key;
        Request request;
    };
    struct Fault {
        std::string text;
        bool is_terminal = false;  // not tried again until something else is wanted
        int failures = 0;
        Time since{};
    };

    explicit Writer(WriterSettings settings);

    // From now on `write` is what the key wants. The same again changes nothing while it is on its
    // way, waits for its turn, or was refused for good; what was done is done again.
    void want(const std::string& key, Write write, Time now);
    // The key wants nothing any more. What is in flight ends unseen.
    void drop(const std::string& key);

    // The next request to send, while the limits allow.
    std::optional<Job> take(Time now);
    // The answer to a job. What became of it, for logs; a newer wish follows by itself.
    Outcome finish(const std::string& key, const Response& response, Time now);

    // When take() will give something, unless want() or finish() is called before.
    std::optional<Time> next(Time now);

    // Keys whose last try failed.
    const std::map<std::string, Fault>& faults() const { return faults_; }
    bool is_settled(const std::string& key) const { return !wishes_.contains(key); }
    bool is_idle() const { return wishes_.empty() && in_flight_ == 0; }
    int in_flight() const { return in_flight_; }
    std::size_t depth() const { return wishes_.size(); }
    const WriterCounters& counters() const { return counters_; }

 private:
    struct Wish {
        Write write;
        bool is_in_flight = false;
        bool is_newer = false;  // than what is in flight
        bool is_refused = false;
        Write sent;  // while in flight
    };
    Outcome judge(const Write& sent, const Answer& answer) const;

    WriterSettings settings_;
    WorkQueue queue_;
    TokenBucket bucket_;
    Backoff pause_;
    std::optional<Time> paused_until_;  // the server is away or overloaded
    int in_flight_ = 0;
    std::set<std::string> abandoned_;  // dropped while in flight
    std::map<std::string, Wish> wishes_;
    std::map<std::string, Fault> faults_;
    WriterCounters counters_;
};

}  // namespace penstock::runtime
