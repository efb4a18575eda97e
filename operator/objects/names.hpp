// Names of what a pool is in Kubernetes, where two files must agree on one.
#pragma once

namespace penstock::objects {

inline constexpr const char* proxy_container_name = "proxy";
inline constexpr const char* postgres_port = "postgres";
// On Pods: domain::Workload::restart_hash of the template.
inline constexpr const char* restart_hash_annotation = "penstock.dev/restart-hash";
// On Pods: patched when the ConfigMap has changed, so that the kubelet looks at once.
inline constexpr const char* config_seen_annotation = "penstock.dev/config-seen";

// What follows the pool's name.
inline constexpr const char* account_suffix = "-proxy";
inline constexpr const char* config_suffix = "-proxy";
inline constexpr const char* peers_suffix = "-proxies";

// In the Pod.
inline constexpr const char* config_folder = "/etc/penstock/config";
inline constexpr const char* config_key = "config.json";
inline constexpr const char* ca_key = "operator-ca.crt";
inline constexpr const char* secrets_folder = "/etc/penstock/secrets";
inline constexpr const char* identity_folder = "/var/run/penstock/identity";
inline constexpr const char* identity_audience = "penstock-operator";

}  // namespace penstock::objects
