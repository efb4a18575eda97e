// Names that both programs, the manifests and the documentation use.
#pragma once

#include <string_view>

namespace penstock::api {

inline constexpr std::string_view group = "penstock.dev";
inline constexpr std::string_view version = "v1alpha1";
inline constexpr std::string_view api_version = "penstock.dev/v1alpha1";
inline constexpr std::string_view category = "penstock";
inline constexpr std::string_view metric_prefix = "penstock_";

namespace kinds {
inline constexpr std::string_view connection_pool = "ConnectionPool";
inline constexpr std::string_view backpressure = "Backpressure";
}  // namespace kinds

// On every object that the operator makes.
namespace labels {
inline constexpr std::string_view name = "app.kubernetes.io/name";          // "penstock-proxy"
inline constexpr std::string_view instance = "app.kubernetes.io/instance";  // the pool's name
inline constexpr std::string_view managed_by =
    "app.kubernetes.io/managed-by";                            // "penstock-operator"
inline constexpr std::string_view pool = "penstock.dev/pool";  // the pool's name
}  // namespace labels

inline constexpr std::string_view operator_name = "penstock-operator";  // also the field manager
inline constexpr std::string_view proxy_name = "penstock-proxy";

// The header in which a proxy shows on its grants port who it is: its ServiceAccount's token, made
// out to operator_name.
inline constexpr std::string_view identity_header = "Penstock-Identity";

namespace conditions {
inline constexpr std::string_view ready = "Ready";
inline constexpr std::string_view reconciling = "Reconciling";  // present only when True
inline constexpr std::string_view stalled = "Stalled";          // present only when True
// of pools
inline constexpr std::string_view database_reachable = "DatabaseReachable";
inline constexpr std::string_view budget_satisfied = "BudgetSatisfied";
inline constexpr std::string_view grants_current = "GrantsCurrent";
inline constexpr std::string_view autosizing = "Autosizing";
// of policies
inline constexpr std::string_view accepted = "Accepted";
inline constexpr std::string_view enforced = "Enforced";
inline constexpr std::string_view throttling = "Throttling";
inline constexpr std::string_view signals_fresh = "SignalsFresh";
}  // namespace conditions

namespace ports {
inline constexpr int listen = 6432;
inline constexpr int admin = 9127;
inline constexpr int grants = 9128;  // mutual TLS, in Kubernetes
}  // namespace ports

}  // namespace penstock::api
