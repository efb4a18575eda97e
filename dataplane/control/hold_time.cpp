#include "dataplane/control/hold_time.hpp"

#include <algorithm>
#include <cmath>

namespace penstock::control {
namespace {

// What fewer transactions than this show may be chance.
constexpr double evidence_min = 1;

// The weights are not worth an exponential for each transaction.
constexpr std::chrono::milliseconds fade_every{100};

}  // namespace

void HoldTime::add(Duration held, TimePoint now) {
    fade(now);
    sum_us_ += std::chrono::duration<double, std::micro>(held).count();
    weight_ += 1;
}

std::int64_t HoldTime::mean_us(TimePoint now) {
    fade(now);
    // A transaction of no measurable length is one.
    return weight_ < evidence_min ? 0 : std::max<std::int64_t>(1, std::llround(sum_us_ / weight_));
}

void HoldTime::fade(TimePoint now) {
    const std::chrono::duration<double> passed = now - faded_;
    if (passed < fade_every) return;
    faded_ = now;
    const double keep = std::exp(-passed / memory_);
    sum_us_ *= keep;
    weight_ *= keep;
}

}  // namespace penstock::control
