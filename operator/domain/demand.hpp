// How many server connections the clients of one proxy would keep busy: offered rate times mean
// holding time, and those that wait. From differences of the proxy's totals. A value; no IO.
#pragma once

#include "crds/api/grant.hpp"
#include "operator/domain/observed.hpp"

#include <cstdint>
#include <optional>

namespace penstock::domain {

class Demand {
 public:
    // Takes a report; one that was taken already changes nothing.
    void add(const api::Report& report, Time reported);

    // Connections kept busy, on average; nothing before two reports are in.
    std::optional<double> connections() const;

 private:
    void measure(const api::Report& report, double seconds);

    std::optional<api::Totals> last_;
    Time last_at_{};
    Time newest_{};
    std::optional<double> occupied_;  // smoothed: up within a second, down within five
    double waiting_ = 0;
};

// Connections for a demand: a tenth more and two standard deviations of a Poisson stream.
// 1.1 D + 2 sqrt(D), rounded up; 0 for none.
std::int32_t want_for(double demand);

}  // namespace penstock::domain
