// The operator's log in a cluster: one JSON object a line, for those who collect logs.
#pragma once

namespace penstock::kube {

// From now on, on standard error: time, level, message.
void log_as_json();

}  // namespace penstock::kube
