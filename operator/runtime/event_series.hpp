// Events for `kubectl describe`: what happens again within minutes is one Event whose series counts
// up, written seldom; one object cannot flood. Losing one is better than waiting for one: nothing
// here is retried for long. A machine without IO or clock, owned by the deciding thread.
#pragma once

#include "operator/runtime/request.hpp"
#include "operator/runtime/time_text.hpp"
#include "operator/runtime/token_bucket.hpp"

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>

namespace penstock::runtime {

struct ObjectReference {
    std::string api_version;
    std::string kind;
    std::string name_space;
    std::string name;
    std::string uid;
};

struct EventNote {
    bool is_warning = false;
    std::string action;  // "Resize": what was done; at most 128 bytes are kept
    std::string reason;  // "PoolResized"; likewise
    std::string note;    // for people; at most 1024 bytes are kept
    ObjectReference regarding;
};

struct EventCounters {
    std::uint64_t recorded = 0;
    std::uint64_t written = 0;
    std::uint64_t dropped = 0;  // by the guard against floods, a full queue, or failures
};

class EventSeries {
 public:
    using Time = std::chrono::steady_clock::time_point;

    struct Job {
        std::string key;
        Request request;
    };

    // `instance` is the Pod's name.
    EventSeries(std::string controller, std::string instance);

    void record(const EventNote& event, Time now, WallTime wall);

    // The next request to send, one at a time; its answer goes to finish().
    std::optional<Job> take(Time now);
    void finish(const std::string& key, const Response& response, Time now);
    // When take() will give something, unless record() or finish() is called before.
    std::optional<Time> next() const;

    const EventCounters& counters() const { return counters_; }

 private:
    struct Series {
        EventNote first;
        std::string name;   // of the Event object
        std::string begun;  // eventTime
        std::string last;   // series.lastObservedTime
        std::int64_t count = 1;
        std::int64_t written = 0;  // the count that the server has
        Time seen{};               // last
        Time not_before{};         // of the next write
        std::optional<Time> due;   // to be written then
        int failures = 0;
    };

    bool may_begin(const EventNote& event, Time now);
    void expire(Time now);
    Request request_of(const Series& series) const;

    std::string controller_;
    std::string instance_;
    std::map<std::string, Series> series_;
    std::map<std::string, TokenBucket> guards_;  // by the object's uid
    std::optional<std::string> in_flight_;
    std::int64_t in_flight_count_ = 0;
    std::uint64_t serial_ = 0;
    EventCounters counters_;
};

// What makes two notes the same: the text with each number as one sign.
std::string note_class(const std::string& note);

}  // namespace penstock::runtime
