// What the workers of one process share: the permits for server connections and who waits. Atomics
// only; every worker reads and writes it from its own thread. One per process; outlives all
// workers.
//
// The pool's limit belongs to the process: a server connection needs a permit from before it is
// opened until PostgreSQL has closed it, so `used` never understates what the database sees.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

namespace penstock::pool {

class Board {
 public:
    // limit: server connections of the process, at most, until the first set_limit().
    Board(std::uint32_t workers, std::int32_t limit) : workers_(workers), limit_(limit) {}

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
    bool is_over_limit() const { return used() > limit(); }

    // Thresholds of the policy in force, 0: none. Written by the admin thread, read at every
    // transaction's start.
    struct Throttle {
        std::atomic<bool> enforced{false};
        std::atomic<std::int32_t> concurrency_max{0};
        std::atomic<std::int32_t> queue_length_max{0};
        std::atomic<std::int32_t> queue_wait_max_us{0};
    };
    Throttle throttle;

    // Of all workers together.
    std::atomic<std::int32_t> clients{0};
    std::atomic<std::int32_t> waiting{0};
    std::atomic<std::int32_t> busy{0};

    // Since when the oldest waiting client of a worker has waited, in microseconds of the steady
    // clock; 0: nobody waits.
    void set_oldest_wait(std::uint32_t worker, std::int64_t since_us) {
        workers_[worker].oldest_wait_us.store(since_us, std::memory_order_relaxed);
    }
    std::int64_t oldest_wait(std::uint32_t worker) const {
        return workers_[worker].oldest_wait_us.load(std::memory_order_relaxed);
    }
    std::uint32_t workers() const { return static_cast<std::uint32_t>(workers_.size()); }

 private:
    struct alignas(64) Worker {
        std::atomic<std::int64_t> oldest_wait_us{0};
    };

    std::vector<Worker> workers_;
    std::atomic<std::int32_t> limit_;
    std::atomic<std::int32_t> used_{0};
};

}  // namespace penstock::pool
