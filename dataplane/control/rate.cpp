#include "dataplane/control/rate.hpp"

#include <cmath>

namespace penstock::control {

void Rate::update(TimePoint now) {
    const std::chrono::duration<double> passed = now - updated_;
    if (updated_ == TimePoint{} || passed.count() <= 0) {
        if (updated_ == TimePoint{}) {
            updated_ = now;
            pending_ = 0;
        }
        return;
    }
    const double keep = std::exp(-passed / memory_);
    mean_ = mean_ * keep + (1 - keep) * static_cast<double>(pending_) / passed.count();
    weight_ = weight_ * keep + (1 - keep);
    rate_ = mean_ / weight_;
    updated_ = now;
    pending_ = 0;
}

}  // namespace penstock::control
