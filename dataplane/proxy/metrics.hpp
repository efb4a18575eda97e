// One worker's counters and histograms. Written by that worker only, read by the admin page at any
// time: relaxed atomics that are loaded and stored, never locked.
#pragma once

#include "crds/api/latency.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>

namespace penstock::proxy {

// A number with one writer.
class Counter {
 public:
    void add(std::uint64_t n = 1) {
        value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
    }
    void subtract(std::uint64_t n = 1) {
        value_.store(value_.load(std::memory_order_relaxed) - n, std::memory_order_relaxed);
    }
    void set(std::uint64_t n) { value_.store(n, std::memory_order_relaxed); }
    std::uint64_t get() const { return value_.load(std::memory_order_relaxed); }

 private:
    std::atomic<std::uint64_t> value_{0};
};

class LatencyHistogram {
 public:
    void add(std::chrono::steady_clock::duration value);
    std::array<std::uint64_t, api::bucket_count> counts() const;
    std::uint64_t sum_us() const { return sum_us_.get(); }

 private:
    std::array<Counter, api::bucket_count> counts_;
    Counter sum_us_;
};

struct Metrics {
    // Totals since the start.
    Counter transactions_offered;
    Counter transactions;
    Counter transactions_refused;
    Counter would_refuse;
    Counter queries;
    Counter hold_us;
    Counter wait_us;
    Counter database_refusals;  // 53300 from the database at a server login
    Counter server_logins;
    Counter server_login_failures;
    Counter servers_closed;
    Counter client_logins;
    Counter client_login_failures;
    Counter clients_timed_out;
    Counter client_logins_dropped;
    Counter messages_refused;  // for want of memory
    Counter cancels;
    Counter statements_prepared_again;
    Counter parameters_replayed;
    Counter servers_cleaned;  // of what a client left, before another got them
    Counter servers_moved;
    Counter bytes_from_clients;
    Counter bytes_from_servers;
    // Now.
    Counter clients;
    Counter clients_waiting;
    Counter clients_logging_in;
    Counter held_bytes;
    Counter servers_opening;
    Counter servers_idle;
    Counter servers_busy;
    Counter servers_closing;

    LatencyHistogram wait;
    LatencyHistogram query;
    LatencyHistogram transaction;
    LatencyHistogram login;
};

}  // namespace penstock::proxy
