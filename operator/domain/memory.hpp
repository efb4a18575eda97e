// What one run of the operator remembers between rounds. All of it may be lost at any time: nothing
// is raised until it is known again from the proxies' own reports.
#pragma once

#include <cstdint>

namespace penstock::domain {

struct Memory {
    explicit Memory(std::uint64_t epoch_of_this_run) : epoch(epoch_of_this_run) {}

    std::uint64_t epoch;  // higher than that of any earlier run; grants carry it
};

}  // namespace penstock::domain
