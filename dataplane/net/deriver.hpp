// Derives SCRAM keys on a thread of its own: a first login of a user whose password is stored in
// clear costs neither the workers nor the control thread a millisecond. One per process.
#pragma once

#include "dataplane/wire/derived_verifier.hpp"

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

namespace penstock::net {

class Deriver {
 public:
    // `done` is called on this thread; what it uses must outlive stop().
    using Done = std::function<void()>;

    Deriver() = default;
    ~Deriver() { stop(); }
    Deriver(const Deriver&) = delete;
    Deriver& operator=(const Deriver&) = delete;

    void start();
    // Waits for the one that is under way; the others are dropped.
    void stop();
    // Any thread. First come, first served.
    void derive(std::shared_ptr<const wire::DerivedVerifier> verifier, Done done);

 private:
    struct Job {
        std::shared_ptr<const wire::DerivedVerifier> verifier;
        Done done;
    };
    void run();

    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<Job> jobs_;
    bool is_stopping_ = false;
    std::thread thread_;
};

}  // namespace penstock::net
