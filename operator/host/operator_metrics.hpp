// What the operator says of itself and its pools in Prometheus' text form. Made anew for each
// scrape.
#pragma once

#include "operator/domain/observed.hpp"

#include <array>
#include <cstdint>
#include <string>

namespace penstock::host {

// Counted since the operator's start.
struct OperatorCounters {
    static constexpr std::array<double, 8> reconcile_seconds_bounds{
        0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 1};

    std::uint64_t reconciles = 0;
    double reconcile_seconds = 0;
    std::array<std::uint64_t, 9> reconcile_buckets{};  // the last: above all bounds
    std::uint64_t grants_pushed = 0;
    std::uint64_t proxies_started = 0;
    std::uint64_t proxies_crashed = 0;
    std::uint64_t budget_violations = 0;
    std::uint64_t status_write_failures = 0;
    std::uint64_t manifest_faults = 0;  // now
    std::uint64_t epoch = 0;            // now

    void add_reconcile(double seconds);
};

std::string metrics_text(const domain::Observed& observed, const OperatorCounters& counters);

}  // namespace penstock::host
