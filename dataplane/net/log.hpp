// Sets up the process's log: lines on standard error, as text or as one JSON object each.
#pragma once

#include "crds/api/dataplane_config.hpp"

namespace penstock::net {

// Before any thread that logs.
void set_up_log(api::LogFormat format, api::LogLevel level);
// Any thread.
void set_log_level(api::LogLevel level);

}  // namespace penstock::net
