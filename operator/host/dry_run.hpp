// `penstock-operator local DIR --dry-run`: prints what the operator would do, and changes nothing.
#pragma once

#include "operator/host/local_command.hpp"

namespace penstock::host {

// Returns 0 if all manifests would be accepted, otherwise 1.
int run_dry(const LocalOptions& options);

}  // namespace penstock::host
