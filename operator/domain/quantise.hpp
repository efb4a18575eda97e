// Numbers in a status move in steps, so that what merely breathes writes nothing.
#pragma once

#include <cstdint>

namespace penstock::domain {

// The number written before, unless the measured one is more than `percent` and more than `slack`
// away from it.
std::int64_t sticky(std::int64_t measured, std::int64_t before, int percent, std::int64_t slack);

// The nearest of 0, 1, 2, 5, 10, 20, 50, ... that is not below.
std::int64_t one_two_five(std::int64_t value);

}  // namespace penstock::domain
