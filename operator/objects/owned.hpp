// What all objects of a pool have in common.
#pragma once

#include "crds/api/document.hpp"
#include "operator/domain/plan.hpp"

#include <string>

namespace penstock::objects {

// The two halves of the pool's key.
std::string pool_namespace(const domain::Workload& workload);
std::string pool_name(const domain::Workload& workload);

// On every object.
api::Document labels_of(const domain::Workload& workload);
// What selects the pool's Pods, and never changes.
api::Document selector_of(const domain::Workload& workload);

// apiVersion, kind and metadata, with the pool as its controller: the cluster deletes it with the
// pool. `suffix` follows the pool's name.
api::Document owned(
    const domain::Workload& workload,
    const std::string& api_version,
    const std::string& kind,
    const std::string& suffix
);

}  // namespace penstock::objects
