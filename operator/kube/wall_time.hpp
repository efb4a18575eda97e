// The time of day as statuses and events have it.
#pragma once

#include <string>

namespace penstock::kube {

// RFC 3339, UTC, whole seconds: "2024-05-01T12:00:00Z".
std::string wall_time();

}  // namespace penstock::kube
