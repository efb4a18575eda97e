// What the operator does with the Kubernetes API, under the names that dashboards of other
// operators use.
#pragma once

#include "operator/kube/cache.hpp"
#include "operator/kube/counted_transport.hpp"
#include "operator/metrics/families.hpp"
#include "operator/runtime/writer.hpp"

#include <string>

namespace penstock::kube {

void add_requests(
    metrics::Families& families, const CountedTransport::Counts& counts, const std::string& host
);
void add_election(metrics::Families& families, const std::string& lease, bool is_leader);
void add_writer(metrics::Families& families, const runtime::Writer& writer);
void add_cache(metrics::Families& families, const Cache& cache);

}  // namespace penstock::kube
