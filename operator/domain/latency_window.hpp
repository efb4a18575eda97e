// What the proxies of one pool measured lately, as one histogram per kind. A value; no IO.
#pragma once

#include "crds/api/grant.hpp"
#include "operator/domain/observed.hpp"

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

namespace penstock::domain {

// A report as the window takes it. The pointer is used during the call only.
struct Signal {
    const api::Report* report = nullptr;
    Time reported{};
};

// Sums over a stretch of time, of all proxies together.
struct Measured {
    api::Histogram wait;
    api::Histogram query;
    api::Histogram transaction;
    std::uint64_t refused = 0;  // by a proxy, or would have been
    std::int32_t busy = 0;      // most servers busy at once, as far as reports show it
};

class LatencyWindow {
 public:
    // Takes what is new in the reports of the pool's proxies. A proxy's first report only begins
    // its account.
    void add(const std::vector<Signal>& signals, Time now);

    // Forgets what is older than `window` and adds up the rest.
    Measured over(std::chrono::seconds window, Time now);

    // Forgets what was measured, not what is the base of the next difference.
    void clear() { slices_.clear(); }

 private:
    struct Slice {
        Time at;
        Measured measured;
    };
    struct Base {
        Time reported{};
        api::Histogram wait;
        api::Histogram query;
        api::Histogram transaction;
        std::uint64_t refused = 0;
    };
    std::map<std::string, Base> bases_;  // by proxy id
    std::deque<Slice> slices_;
};

}  // namespace penstock::domain
