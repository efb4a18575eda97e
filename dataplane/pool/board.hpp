// What the workers of one process share: the permits for server connections and who waits. Atomics
// only; every worker reads and writes it from its own thread. One per process; outlives all
// workers.
//
// The pool's limit belongs to the process: a server connection needs a permit from before it is
// opened until PostgreSQL has closed it, so `used` never understates what the database sees.
#pragma once

#include "dataplane/pool/server_counts.hpp"
#include "dataplane/pool/shares.hpp"

#include <atomic>
#include <cstdint>
#include <vector>

namespace penstock::pool {

class Board {
 public:
    // limit: server connections of the process, at most, until the first set_limit().
    Board(std::uint32_t workers, std::int32_t limit)
        : shares(workers), workers_(workers), limit_(limit) {}

    // What the workers hold for each pool.
    Shares shares;
    // Workers, as bits, whose clients wait for a permit of any pool.
    std::atomic<std::uint64_t> permit_wanted{0};

    // One permit if there is one.
    [[nodiscard]] bool take_permit() {
        std::int32_t used = used_.load(std::memory_order_relaxed);
        while (used < limit_.load(std::memory_order_relaxed)) {
            if (used_.compare_exchange_weak(used, used + 1, std::memory_order_relaxed)) return true;
        }
        return false;
    }
    void give_permit() { used_.fetch_sub(1, std::memory_order_relaxed); }

    void set_limit(std::int32_t limit) { limit_.store(limit, std::memory_order_relaxed); }
    std::int32_t limit() const { return limit_.load(std::memory_order_relaxed); }
    std::int32_t used() const { return used_.load(std::memory_order_relaxed); }

    // One of `max` logins at the database that may be under way at once.
    [[nodiscard]] bool take_login(std::int32_t max) {
        std::int32_t used = logins_.load(std::memory_order_relaxed);
        while (used < max) {
            if (logins_.compare_exchange_weak(used, used + 1, std::memory_order_relaxed))
                return true;
        }
        return false;
    }
    void give_login() { logins_.fetch_sub(1, std::memory_order_relaxed); }
    std::int32_t logins() const { return logins_.load(std::memory_order_relaxed); }

    ServerCounts server_counts;

    // Thresholds of the policy in force, 0: none. Written by the admin thread, read at every
    // transaction's start.
    struct Throttle {
        std::atomic<bool> enforced{false};
        std::atomic<std::int32_t> concurrency_max{0};
        std::atomic<std::int32_t> queue_length_max{0};  // of each pool
        std::atomic<std::int32_t> queue_wait_max_us{0};
    };
    Throttle throttle;

    // What one worker says of itself: stored by that worker, read by all.
    struct alignas(64) Worker {
        // Since when its oldest waiting client has waited, microseconds of the steady clock; 0:
        // nobody waits.
        std::atomic<std::int64_t> oldest_wait_us{0};
        std::atomic<std::int64_t> held_bytes{0};  // of messages that are kept for clients
        std::atomic<std::int32_t> clients{0};     // logged in
        std::atomic<std::int32_t> logging_in{0};  // clients before the end of their login
        std::atomic<std::int32_t> waiting{0};     // clients that wait for a server
        std::atomic<std::int32_t> busy{0};        // servers that clients hold
        std::atomic<std::int32_t> idle{0};        // servers that are free
        std::atomic<std::int32_t> closing{
            0};  // servers that hold a permit but will not serve again
    };
    Worker& worker(std::uint32_t index) { return workers_[index]; }
    const Worker& worker(std::uint32_t index) const { return workers_[index]; }
    std::uint32_t workers() const { return static_cast<std::uint32_t>(workers_.size()); }

    // Over all workers.
    template <class Number>
    Number sum(std::atomic<Number> Worker::*number) const {
        Number total = 0;
        for (const Worker& worker : workers_)
            total += (worker.*number).load(std::memory_order_relaxed);
        return total;
    }
    // How many server connections must go for the limit to hold, beyond those that are going.
    std::int32_t excess() const {
        const std::int32_t over = used() - limit();
        return over <= 0 ? over : over - sum(&Worker::closing);
    }

 private:
    std::vector<Worker> workers_;
    std::atomic<std::int32_t> limit_;
    std::atomic<std::int32_t> used_{0};
    std::atomic<std::int32_t> logins_{0};
};

}  // namespace penstock::pool
