// When a program that keeps ending may be started again: at once the first time, then later and
// later, up to half a minute. Pure; one per pool.
#pragma once

#include <algorithm>
#include <chrono>

namespace penstock::host {

class RestartDelay {
 public:
    using Time = std::chrono::steady_clock::time_point;

    // A process ended without having been told to.
    void ended(Time started, Time now) {
        using std::chrono::milliseconds;
        constexpr std::chrono::seconds lived_well{60};
        constexpr milliseconds first{500}, longest{30'000};
        ends_ = now - started >= lived_well ? 1 : ends_ + 1;
        const int doublings = std::min(ends_ - 2, 6);
        not_before_ = ends_ == 1 ? now : now + std::min(longest, first * (1 << doublings));
    }

    bool may_start(Time now) const { return now >= not_before_; }
    Time not_before() const { return not_before_; }
    // In a row, each soon after its start.
    int ends() const { return ends_; }

 private:
    int ends_ = 0;
    Time not_before_{};
};

}  // namespace penstock::host
