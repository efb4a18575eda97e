// From a pool's spec to what runs: the configuration of its proxies and which of its changes need
// new processes.
#pragma once

#include "crds/api/connection_pool.hpp"
#include "crds/api/dataplane_config.hpp"
#include "operator/domain/plan.hpp"

#include <string>

namespace penstock::domain {

// What every proxy of the pool is told. Secrets are named by file:
// SECRETS_ROOT/NAMESPACE/SECRET/KEY.
api::DataplaneConfig config_of(const api::ConnectionPool& pool, const std::string& secrets_root);

// A hash over the fields of class Restart: processes started with another one must be replaced.
std::string restart_hash(const api::DataplaneConfig& config);

}  // namespace penstock::domain
