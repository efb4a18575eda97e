#include "operator/domain/peak.hpp"

namespace penstock::domain {

void Peak::add(std::int32_t value, Time now) {
    while (!samples_.empty() && samples_.back().value <= value) samples_.pop_back();
    samples_.push_back({value, now});
}

std::int32_t Peak::over(std::chrono::seconds window, Time now) {
    while (!samples_.empty() && now - samples_.front().at > window) samples_.pop_front();
    return samples_.empty() ? 0 : samples_.front().value;
}

}  // namespace penstock::domain
