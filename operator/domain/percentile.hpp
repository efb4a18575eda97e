// Percentiles from the histograms that proxies report (crds/api/latency.hpp).
#pragma once

#include "crds/api/grant.hpp"

#include <cstdint>
#include <optional>

namespace penstock::domain {

// What was counted between two reports of one proxy. A histogram that is shorter or went back
// (another process) counts as having begun at zero.
api::Histogram difference(const api::Histogram& newer, const api::Histogram& older);

// Adds counts bucket by bucket.
void add(api::Histogram& sum, const api::Histogram& part);

std::uint64_t samples(const api::Histogram& histogram);

// The value below which `fraction` (0.99) of the samples lie, in microseconds, interpolated within
// its bucket; the lower bound of the last bucket, which has no upper one. Nothing when there are no
// samples.
std::optional<std::uint64_t> percentile_us(const api::Histogram& histogram, double fraction);

}  // namespace penstock::domain
