#include "dataplane/net/deriver.hpp"

namespace penstock::net {

void Deriver::start() {
    thread_ = std::thread([this] { run(); });
}

void Deriver::stop() {
    if (!thread_.joinable()) return;
    {
        const std::lock_guard lock(mutex_);
        is_stopping_ = true;
    }
    changed_.notify_one();
    thread_.join();
}

void Deriver::derive(std::shared_ptr<const wire::DerivedVerifier> verifier, Done done) {
    {
        const std::lock_guard lock(mutex_);
        jobs_.push_back({std::move(verifier), std::move(done)});
    }
    changed_.notify_one();
}

void Deriver::run() {
    std::unique_lock lock(mutex_);
    for (;;) {
        changed_.wait(lock, [this] { return is_stopping_ || !jobs_.empty(); });
        if (is_stopping_) return;
        const Job job = std::move(jobs_.front());
        jobs_.pop_front();
        lock.unlock();
        job.verifier->derive();
        job.done();
        lock.lock();
    }
}

}  // namespace penstock::net
