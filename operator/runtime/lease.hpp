// Who of several operators decides: election over one coordination.k8s.io Lease. A machine without
// IO or clock, owned by the deciding thread: times and answers go in, requests come out, one at a
// time.
//
// A Lease does not keep a leader from acting late (its process may have been stopped for a minute).
// What does is the epoch: each acquisition has a higher one, and proxies refuse grants of a lower.
//
// Epoch = leaseTransitions + 1. The API server takes a write only for the version that was read, so
// of two who acquire at once one gets a conflict. A Lease that is made anew, because somebody has
// deleted it, begins with the seconds since 2020: that is more than any Lease before it counted to,
// so that epochs go on rising.
#pragma once

#include "operator/runtime/api_error.hpp"
#include "operator/runtime/request.hpp"
#include "operator/runtime/time_text.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <random>
#include <string>

namespace penstock::runtime {

struct LeaseSettings {
    std::string name_space;
    std::string name = "penstock-operator";
    std::string identity;                        // of this process and no other, ever
    std::chrono::milliseconds duration{15'000};  // others wait this long after the last renewal
    std::chrono::milliseconds renew_deadline{10'000};  // we stop leading this long after ours
    std::chrono::milliseconds retry{2'000};
    double jitter = 1.2;  // while waiting, up to retry times (1 + this)
    std::uint64_t seed = 1;
};

class Elector {
 public:
    using Time = std::chrono::steady_clock::time_point;

    explicit Elector(LeaseSettings settings);

    // The request that is due, if any; its answer goes to on_response(). `wall` is only written.
    std::optional<Request> tick(Time now, WallTime wall);
    void on_response(const Response& response, Time now);
    // When tick() has something to do. Nothing: while a request is under way, or when all is over.
    std::optional<Time> next() const;

    // Whether to act, at this moment. Our own clock decides: the deadline counts from when the
    // renewal was sent, so that it is over before anybody else may begin.
    bool is_leader(Time now) const { return is_leading_ && now < leads_until_; }
    std::int64_t epoch() const { return epoch_; }  // of the newest acquisition of ours; 0: none
    const std::string& holder() const { return seen_.holder; }  // as last read; may be empty
    const std::string& fault() const { return fault_; }         // of the last try; empty: none

    // Ends leading at once; tick() then gives the Lease back, so that the next one need not wait.
    void stop();
    bool is_over() const { return is_stopping_ && !is_busy_ && !holds_; }

 private:
    struct Record {
        bool exists = false;
        std::string version;
        std::string holder;
        std::int64_t duration_seconds = 0;
        std::int64_t transitions = 0;
        std::string renew_time;
        std::string acquire_time;
        bool operator==(const Record&) const = default;
    };
    enum class Step : std::uint8_t { Read, Write, Release };

    Request read_request() const;
    Request write_request(const Record& record) const;
    std::optional<Record> record_of(const std::string& body);
    bool is_free(Time now) const;
    void see(Record record, Time now);
    void lose();
    void again(Time now);
    void fail(Time now, std::string text);

    LeaseSettings settings_;
    std::mt19937_64 random_;
    Step step_ = Step::Read;
    bool is_busy_ = false;
    bool is_stopping_ = false;
    bool is_known_ = false;  // `seen_` is what the server has, as far as we know
    bool holds_ = false;     // the Lease names us, as far as we know
    bool is_leading_ = false;
    Time due_{};
    Time sent_{};
    Time leads_until_{};
    Record seen_;
    Time seen_since_{};  // on our clock; others' clocks are never compared with ours
    Record wanted_;      // what a write under way says
    std::int64_t epoch_ = 0;
    std::string fault_;
};

}  // namespace penstock::runtime
