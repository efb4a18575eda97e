// The largest value of a signal over a sliding window. A value; no owner, any thread.
#pragma once

#include "operator/domain/observed.hpp"

#include <chrono>
#include <cstdint>
#include <deque>

namespace penstock::domain {

class Peak {
 public:
    // Requires: `now` does not go back.
    void add(std::int32_t value, Time now);

    // Forgets what is older than `window`. 0 when nothing is left.
    std::int32_t over(std::chrono::seconds window, Time now);

 private:
    struct Sample {
        std::int32_t value;
        Time at;
    };
    std::deque<Sample> samples_;  // falling values: a sample hides all smaller ones before it
};

}  // namespace penstock::domain
