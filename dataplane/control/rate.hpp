// Events per second, as an exponentially weighted mean that decays with time; reading does not
// change it.
#pragma once

#include <chrono>
#include <cstdint>

namespace penstock::control {

class Rate {
 public:
    using TimePoint = std::chrono::steady_clock::time_point;

    // memory: after this long, an old rate weighs 1/e.
    explicit Rate(std::chrono::duration<double> memory) : memory_(memory) {}

    void add() { ++pending_; }
    // Folds in what was added since the last update. Requires: called now and then, say every tick.
    void update(TimePoint now);
    // Zero until the first update that saw time pass.
    double per_second() const { return rate_; }

 private:
    std::chrono::duration<double> memory_;
    TimePoint updated_{};
    std::uint64_t pending_ = 0;
    double rate_ = 0;
    double weight_ = 0;  // how much of the memory is filled: corrects the mean while it is young
    double mean_ = 0;
};

}  // namespace penstock::control
