#include "crds/api/names.hpp"
#include "operator/objects/names.hpp"
#include "operator/objects/objects.hpp"
#include "operator/objects/owned.hpp"

#include <set>

namespace penstock::objects {

namespace {

using api::Document;

// Beyond drain.timeoutSeconds, in which a proxy ends by itself.
constexpr std::int32_t kill_grace_seconds = 30;

// The Secrets that the configuration names by file: SECRETS/NAMESPACE/SECRET/KEY.
std::set<std::string> secrets_of(const domain::Workload& workload) {
    const std::string folder = std::string(secrets_folder) + "/" + pool_namespace(workload) + "/";
    std::set<std::string> secrets;
    const auto add = [&](const std::optional<std::string>& file) {
        if (!file || !file->starts_with(folder)) return;
        const std::string rest = file->substr(folder.size());
        secrets.insert(rest.substr(0, rest.find('/')));
    };
    const api::DataplaneConfig& config = workload.config;
    add(config.database.tls.ca_file);
    if (config.database.monitor) {
        add(config.database.monitor->user_file);
        add(config.database.monitor->password_file);
    }
    add(config.clients.users_file);
    if (config.clients.tls) add(config.clients.tls->cert_file);
    return secrets;
}

// A volume of a Secret that is missing does not keep the Pod from starting: its proxy then says
// what it waits for, which the operator, without rights on Secrets, could not see otherwise.
Document volumes_of(const domain::Workload& workload) {
    Document volumes = Document::array();
    volumes.push_back(
        {{"name", "config"}, {"configMap", {{"name", pool_name(workload) + config_suffix}}}}
    );
    volumes.push_back(
        {{"name", "identity"},
         {"projected",
          {{"sources",
            Document::array(
                {{{"serviceAccountToken",
                   {{"audience", identity_audience},
                    {"expirationSeconds", 3600},
                    {"path", "token"}}}}}
            )}}}}
    );
    std::size_t number = 0;
    for (const std::string& secret : secrets_of(workload))
        volumes.push_back(
            {{"name", "secret-" + std::to_string(number++)},
             {"secret", {{"secretName", secret}, {"optional", true}}}}
        );
    return volumes;
}

Document mounts_of(const domain::Workload& workload) {
    Document mounts = Document::array();
    const auto mount = [&](const std::string& name, const std::string& path) {
        mounts.push_back({{"name", name}, {"mountPath", path}, {"readOnly", true}});
    };
    mount("config", config_folder);
    mount("identity", identity_folder);
    std::size_t number = 0;
    for (const std::string& secret : secrets_of(workload))
        mount(
            "secret-" + std::to_string(number++),
            std::string(secrets_folder) + "/" + pool_namespace(workload) + "/" + secret
        );
    return mounts;
}

Document port(const char* name, std::int32_t number) {
    return {{"name", name}, {"containerPort", number}, {"protocol", "TCP"}};
}

Document probe(const char* path, std::int32_t period, std::int32_t failures) {
    return {
        {"httpGet", {{"path", path}, {"port", "admin"}}},
        {"periodSeconds", period},
        {"timeoutSeconds", 2},
        {"failureThreshold", failures}};
}

Document container_of(const domain::Workload& workload, const ObjectSettings& settings) {
    Document container;
    container["name"] = proxy_container_name;
    container["image"] = settings.proxy_image;
    container["imagePullPolicy"] = "IfNotPresent";
    container["command"] = {
        "/usr/bin/penstock-proxy",
        "--wait",
        "--config",
        std::string(config_folder) + "/" + config_key};
    container["env"] = Document::array(
        {{{"name", "POD_NAME"},
          {"valueFrom", {{"fieldRef", {{"apiVersion", "v1"}, {"fieldPath", "metadata.name"}}}}}}}
    );
    container["ports"] = Document::array(
        {port(postgres_port, workload.config.listen.port),
         port("admin", api::ports::admin),
         port("grants", api::ports::grants)}
    );
    container["volumeMounts"] = mounts_of(workload);
    // A proxy that waits for a Secret is healthy: no probe ends it, it is only not ready.
    container["startupProbe"] = probe("/healthz", 1, 30);
    container["livenessProbe"] = probe("/healthz", 10, 3);
    container["readinessProbe"] = probe("/readyz", 1, 1);
    container["resources"] = {
        {"requests", {{"cpu", "100m"}, {"memory", "64Mi"}}}, {"limits", {{"memory", "512Mi"}}}};
    container["securityContext"] = {
        {"allowPrivilegeEscalation", false},
        {"readOnlyRootFilesystem", true},
        {"capabilities", {{"drop", {"ALL"}}}}};
    return container;
}

Document spread_over(const domain::Workload& workload, const char* topology) {
    return {
        {"maxSkew", 1},
        {"topologyKey", topology},
        {"whenUnsatisfiable", "ScheduleAnyway"},
        {"labelSelector", {{"matchLabels", selector_of(workload)}}}};
}

Document pod_spec(const domain::Workload& workload, const ObjectSettings& settings) {
    Document spec;
    spec["serviceAccountName"] = pool_name(workload) + account_suffix;
    spec["automountServiceAccountToken"] = false;
    spec["enableServiceLinks"] = false;
    spec["terminationGracePeriodSeconds"] =
        workload.config.drain.timeout_seconds + kill_grace_seconds;
    spec["securityContext"] = {
        {"runAsNonRoot", true},
        {"runAsUser", 65532},
        {"runAsGroup", 65532},
        {"fsGroup", 65532},
        {"seccompProfile", {{"type", "RuntimeDefault"}}}};
    spec["topologySpreadConstraints"] = Document::array(
        {spread_over(workload, "topology.kubernetes.io/zone"),
         spread_over(workload, "kubernetes.io/hostname")}
    );
    spec["containers"] = Document::array({container_of(workload, settings)});
    spec["volumes"] = volumes_of(workload);
    return spec;
}

}  // namespace

// The Deployment replaces Pods whose template has changed. It is paused while the budget's reserve
// carries no further start: each new Pod takes its floor from there, and what drains still holds
// its own. Two seconds between two steps give the operator the time to see that.
Document deployment(
    const domain::Workload& workload, std::int32_t replicas, const ObjectSettings& settings
) {
    const bool has_surge = workload.surge > 0;
    Document object = owned(workload, "apps/v1", "Deployment", "");
    object["spec"] = {
        {"replicas", replicas},
        {"minReadySeconds", 2},
        {"revisionHistoryLimit", 2},
        {"progressDeadlineSeconds", 600},
        {"selector", {{"matchLabels", selector_of(workload)}}},
        {"strategy",
         {{"type", "RollingUpdate"},
          {"rollingUpdate",
           {{"maxSurge", has_surge ? workload.surge : 0}, {"maxUnavailable", has_surge ? 0 : 1}}}}},
        {"template",
         {{"metadata",
           {{"labels", labels_of(workload)},
            {"annotations", {{restart_hash_annotation, workload.restart_hash}}}}},
          {"spec", pod_spec(workload, settings)}}}};
    // The API server leaves it out where it is false.
    if (workload.starts_allowed == 0) object["spec"]["paused"] = true;
    return object;
}

}  // namespace penstock::objects
