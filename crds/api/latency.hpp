// The one set of latency buckets that proxies count in, reports carry and the operator reads
// percentiles from. A factor of about 1.4 apart, so that a percentile is known to within 20 %.
#pragma once

#include <array>
#include <cstdint>

namespace penstock::api {

inline constexpr std::array<std::uint32_t, 32> bucket_bounds_us{
    50,      75,      100,     150,       200,       300,       400,        600,
    800,     1'200,   1'600,   2'400,     3'200,     4'800,     6'400,      9'600,
    12'800,  19'200,  25'600,  38'400,    51'200,    76'800,    102'400,    153'600,
    204'800, 409'600, 819'200, 1'638'400, 3'276'800, 6'553'600, 13'107'200, 26'214'400,
};
// One more than the bounds: the last bucket holds everything above.
inline constexpr std::size_t bucket_count = bucket_bounds_us.size() + 1;

}  // namespace penstock::api
