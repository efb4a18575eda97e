#include "operator/domain/quantise.hpp"

#include <algorithm>
#include <cstdlib>

namespace penstock::domain {

std::int64_t sticky(std::int64_t measured, std::int64_t before, int percent, std::int64_t slack) {
    const std::int64_t difference = std::abs(measured - before);
    return difference <= std::max(slack, before * percent / 100) ? before : measured;
}

std::int64_t one_two_five(std::int64_t value) {
    if (value <= 0) return 0;
    for (std::int64_t decade = 1;; decade *= 10)
        for (const std::int64_t step : {1, 2, 5})
            if (value <= step * decade) return step * decade;
}

}  // namespace penstock::domain
