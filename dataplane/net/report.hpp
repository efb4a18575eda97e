// The workers' numbers added up, for reports and for the metrics page. Any thread.
#pragma once

#include "crds/api/grant.hpp"
#include "dataplane/pool/board.hpp"
#include "dataplane/proxy/metrics.hpp"

#include <vector>

namespace penstock::net {

using AllMetrics = std::vector<const proxy::Metrics*>;  // one for each worker

using CounterMember = proxy::Counter proxy::Metrics::*;
using HistogramMember = proxy::LatencyHistogram proxy::Metrics::*;

std::uint64_t sum(const AllMetrics& metrics, CounterMember counter);
api::Histogram sum(const AllMetrics& metrics, HistogramMember histogram);

// Fills in what workers count: servers, clients, totals, histograms and the oldest wait.
void count_workers(
    api::Report& report,
    const AllMetrics& metrics,
    const pool::Board& board,
    std::chrono::steady_clock::time_point now
);

}  // namespace penstock::net
