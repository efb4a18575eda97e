// Names of what a pool is in Kubernetes, where two files must agree on one.
#pragma once

namespace penstock::objects {

inline constexpr const char* proxy_container_name = "proxy";
// On Pods: domain::Workload::restart_hash of the template.
inline constexpr const char* restart_hash_annotation = "penstock.dev/restart-hash";
// On Pods: patched when the ConfigMap has changed, so that the kubelet looks at once.
inline constexpr const char* config_seen_annotation = "penstock.dev/config-seen";

}  // namespace penstock::objects
