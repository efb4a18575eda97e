// How many things may be done: `burst` at once, then `rate` a second. Owned by whoever asks it.
#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>

namespace penstock::runtime {

class TokenBucket {
 public:
    using Time = std::chrono::steady_clock::time_point;

    TokenBucket(double rate, double burst) : rate_(rate), burst_(burst), tokens_(burst) {}

    bool take(Time now) {
        refill(now);
        if (tokens_ < 1.0) return false;
        tokens_ -= 1.0;
        return true;
    }

    // When take() gives one at the earliest.
    Time next(Time now) {
        refill(now);
        if (tokens_ >= 1.0) return now;
        return now + std::chrono::nanoseconds(
                         static_cast<std::int64_t>(std::ceil((1.0 - tokens_) / rate_ * 1e9)) + 1
                     );
    }

 private:
    void refill(Time now) {
        if (now <= filled_) return;
        if (is_used_) {
            const std::chrono::duration<double> passed = now - filled_;
            tokens_ = std::min(burst_, tokens_ + passed.count() * rate_);
        }
        is_used_ = true;
        filled_ = now;
    }

    double rate_;
    double burst_;
    double tokens_;
    bool is_used_ = false;
    Time filled_ = Time::min();
};

}  // namespace penstock::runtime
