// How long a transaction of one pool holds a server: the mean over those that ended lately. One
// thread.
#pragma once

#include <chrono>
#include <cstdint>

namespace penstock::control {

class HoldTime {
 public:
    using TimePoint = std::chrono::steady_clock::time_point;
    using Duration = std::chrono::steady_clock::duration;

    // memory: after this long a transaction weighs 1/e.
    explicit HoldTime(std::chrono::duration<double> memory = std::chrono::seconds(10))
        : memory_(memory) {}

    void add(Duration held, TimePoint now);
    // Microseconds; 0: not known, because too few transactions ended lately.
    std::int64_t mean_us(TimePoint now);

 private:
    void fade(TimePoint now);

    std::chrono::duration<double> memory_;
    TimePoint faded_{};
    double sum_us_ = 0;
    double weight_ = 0;
};

}  // namespace penstock::control
