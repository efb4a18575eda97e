// What every operator says of itself and its pools, here and in Kubernetes alike.
#pragma once

#include "operator/domain/observed.hpp"
#include "operator/metrics/families.hpp"

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace penstock::metrics {

// Counted since the operator's start.
struct OperatorCounters {
    static constexpr std::array<double, 8> reconcile_seconds_bounds{
        0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 1};

    std::uint64_t reconciles = 0;
    double reconcile_seconds = 0;
    std::array<std::uint64_t, 9> reconcile_buckets{};  // the last: above all bounds
    std::uint64_t grants_pushed = 0;
    std::uint64_t budget_violations = 0;
    std::uint64_t epoch = 0;                   // now
    std::map<std::string, bool> over_ceiling;  // by pool: it was when last looked at

    void add_reconcile(double seconds);
    // Counts each pool whose status says that it has come above its ceiling.
    void count_violations(const std::vector<api::ConnectionPool>& pools);
};

void add_operator(
    Families& families, const domain::Observed& observed, const OperatorCounters& counters
);

}  // namespace penstock::metrics
