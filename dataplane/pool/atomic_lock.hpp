// Holds an atomic flag while it lives: for look-ups that several workers share, far from any query.
#pragma once

#include <atomic>

namespace penstock::pool {

class AtomicLock {
 public:
    explicit AtomicLock(std::atomic_flag& flag) : flag_(flag) {
        while (flag_.test_and_set(std::memory_order_acquire)) flag_.wait(true);
    }
    ~AtomicLock() {
        flag_.clear(std::memory_order_release);
        flag_.notify_one();
    }
    AtomicLock(const AtomicLock&) = delete;
    AtomicLock& operator=(const AtomicLock&) = delete;

 private:
    std::atomic_flag& flag_;
};

}  // namespace penstock::pool
