// What a pool is in Kubernetes: from its workload to the objects that the operator applies, as
// documents. Pure. They name all that the operator decides and nothing that the API server fills in
// by itself, so that they can be compared with what is there (in_force.hpp).
#pragma once

#include "crds/api/document.hpp"
#include "operator/domain/plan.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace penstock::objects {

struct ObjectSettings {
    std::string proxy_image;
    std::string operator_ca_pem;  // authorities of the operator's certificate: one or two
};

// In the order in which they are applied. `replicas`: of the Deployment now, which may be fewer
// than the workload's.
std::vector<api::Document> wanted_objects(
    const domain::Workload& workload, std::int32_t replicas, const ObjectSettings& settings
);

// One by one.
api::Document service_account(const domain::Workload& workload);
api::Document config_map(const domain::Workload& workload, const ObjectSettings& settings);
api::Document service(const domain::Workload& workload);
api::Document headless_service(const domain::Workload& workload);
api::Document disruption_budget(const domain::Workload& workload);
api::Document deployment(
    const domain::Workload& workload, std::int32_t replicas, const ObjectSettings& settings
);

}  // namespace penstock::objects
