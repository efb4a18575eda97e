// A kind of the Kubernetes API and where its objects are. Names and namespaces are those of
// Kubernetes objects, which need no escaping in a path.
#pragma once

#include <string>
#include <string_view>

namespace penstock::runtime {

struct Resource {
    std::string_view group;  // empty: the core group
    std::string_view version;
    std::string_view plural;
    std::string_view kind;
    bool is_namespaced = true;

    // "apps/v1", "v1"
    std::string api_version() const {
        return group.empty() ? std::string(version)
                             : std::string(group) + "/" + std::string(version);
    }
    // "deployments.apps", "pods": what messages and metrics call it.
    std::string name() const {
        return group.empty() ? std::string(plural) : std::string(plural) + "." + std::string(group);
    }
    // All objects of a namespace; of the whole cluster without one.
    std::string collection(std::string_view name_space = {}) const {
        std::string path = (group.empty() ? "/api/" : "/apis/") + api_version();
        if (is_namespaced && !name_space.empty()) path.append("/namespaces/").append(name_space);
        return path.append("/").append(plural);
    }
    std::string object(std::string_view name_space, std::string_view object_name) const {
        return collection(name_space).append("/").append(object_name);
    }
    std::string subresource(
        std::string_view name_space, std::string_view object_name, std::string_view sub
    ) const {
        return object(name_space, object_name).append("/").append(sub);
    }

    bool operator==(const Resource&) const = default;
};

namespace resources {
inline constexpr Resource connection_pools{
    "penstock.dev", "v1alpha1", "connectionpools", "ConnectionPool"};
inline constexpr Resource backpressures{
    "penstock.dev", "v1alpha1", "backpressures", "Backpressure"};
inline constexpr Resource pods{"", "v1", "pods", "Pod"};
inline constexpr Resource services{"", "v1", "services", "Service"};
inline constexpr Resource config_maps{"", "v1", "configmaps", "ConfigMap"};
inline constexpr Resource service_accounts{"", "v1", "serviceaccounts", "ServiceAccount"};
inline constexpr Resource secrets{"", "v1", "secrets", "Secret"};
inline constexpr Resource deployments{"apps", "v1", "deployments", "Deployment"};
inline constexpr Resource disruption_budgets{
    "policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget"};
inline constexpr Resource leases{"coordination.k8s.io", "v1", "leases", "Lease"};
inline constexpr Resource events{"events.k8s.io", "v1", "events", "Event"};
}  // namespace resources

}  // namespace penstock::runtime
