// Points in time as Kubernetes writes them.
#pragma once

#include <chrono>
#include <string>

namespace penstock::runtime {

using WallTime = std::chrono::system_clock::time_point;

// Time: "2026-11-25T16:08:35Z".
std::string to_time(WallTime time);
// MicroTime: "2026-11-25T16:08:35.000001Z".
std::string to_micro_time(WallTime time);

}  // namespace penstock::runtime
