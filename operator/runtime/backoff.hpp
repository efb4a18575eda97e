// Delays between tries that fail: doubling, and each drawn anew from nothing to the whole ("full
// jitter"), so that many who failed together do not come back together.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <random>

namespace penstock::runtime {

// A number in [0, 1), the same on every platform for one seed.
inline double draw(std::mt19937_64& random) {
    return static_cast<double>(random() >> 11U) * 0x1.0p-53;
}

class Backoff {
 public:
    using Duration = std::chrono::milliseconds;

    Backoff(Duration first, Duration most, std::uint64_t seed)
        : first_(first), most_(most), whole_(first), random_(seed) {}

    // The delay before the next try; each call doubles what the one after it is drawn from.
    Duration next() {
        const double drawn = draw(random_) * static_cast<double>(whole_.count());
        whole_ = std::min(whole_ * 2, most_);
        return Duration(static_cast<Duration::rep>(drawn));
    }
    void reset() { whole_ = first_; }
    std::mt19937_64& random() { return random_; }

 private:
    Duration first_;
    Duration most_;
    Duration whole_;
    std::mt19937_64 random_;
};

}  // namespace penstock::runtime
