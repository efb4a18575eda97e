// The text of /metrics (Prometheus). Names are penstock_proxy_*; each series has the label `pool`.
#pragma once

#include "crds/api/grant.hpp"
#include "dataplane/net/report.hpp"

#include <string>

namespace penstock::net {

// What the page shows besides the workers' own counters.
struct MetricsPage {
    const AllMetrics& metrics;
    const api::Report& report;
    std::uint64_t reloads = 0;
    std::uint64_t reloads_refused = 0;
    std::int64_t start_time_seconds = 0;  // of the process, since the epoch
};

std::string metrics_text(const MetricsPage& page);

}  // namespace penstock::net
