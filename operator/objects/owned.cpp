#include "operator/objects/owned.hpp"

#include "crds/api/names.hpp"

namespace penstock::objects {

using api::Document;

std::string pool_namespace(const domain::Workload& workload) {
    return workload.pool.substr(0, workload.pool.find('/'));
}

std::string pool_name(const domain::Workload& workload) {
    return workload.pool.substr(workload.pool.find('/') + 1);
}

Document selector_of(const domain::Workload& workload) {
    return {
        {std::string(api::labels::managed_by), std::string(api::operator_name)},
        {std::string(api::labels::pool), pool_name(workload)}};
}

Document labels_of(const domain::Workload& workload) {
    Document labels = selector_of(workload);
    labels[std::string(api::labels::name)] = std::string(api::proxy_name);
    labels[std::string(api::labels::instance)] = pool_name(workload);
    return labels;
}

Document owned(
    const domain::Workload& workload,
    const std::string& api_version,
    const std::string& kind,
    const std::string& suffix
) {
    Document owner;
    owner["apiVersion"] = std::string(api::api_version);
    owner["kind"] = std::string(api::kinds::connection_pool);
    owner["name"] = pool_name(workload);
    owner["uid"] = workload.owner_uid;
    owner["controller"] = true;
    owner["blockOwnerDeletion"] = true;
    Document object;
    object["apiVersion"] = api_version;
    object["kind"] = kind;
    object["metadata"] = {
        {"name", pool_name(workload) + suffix},
        {"namespace", pool_namespace(workload)},
        {"labels", labels_of(workload)},
        {"ownerReferences", Document::array({owner})}};
    return object;
}

}  // namespace penstock::objects
