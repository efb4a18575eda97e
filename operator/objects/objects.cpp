#include "operator/objects/objects.hpp"

#include "crds/api/encode.hpp"
#include "operator/objects/names.hpp"
#include "operator/objects/owned.hpp"

namespace penstock::objects {

using api::Document;

namespace {

// Where clients connect to, under the name that the Pods give it.
Document client_ports(const domain::Workload& workload) {
    Document port;
    port["name"] = postgres_port;
    port["port"] = workload.config.listen.port;
    port["protocol"] = "TCP";
    port["targetPort"] = postgres_port;
    return Document::array({port});
}

}  // namespace

Document service_account(const domain::Workload& workload) {
    Document account = owned(workload, "v1", "ServiceAccount", account_suffix);
    account["automountServiceAccountToken"] = false;
    return account;
}

Document config_map(const domain::Workload& workload, const ObjectSettings& settings) {
    api::DataplaneConfig config = workload.config;
    config.proxy_id.clear();  // each process makes one of its Pod's name
    config.listen.address = "0.0.0.0";
    config.admin.address = "0.0.0.0";
    config.admin.port = api::ports::admin;
    config.admin.port_file.reset();
    config.admin.token_file.reset();
    api::GrantsListen grants;
    grants.address = "0.0.0.0";
    grants.client_ca_file = std::string(config_folder) + "/" + ca_key;
    grants.identity_token_file = std::string(identity_folder) + "/token";
    config.admin.grants = grants;
    config.log_format = api::LogFormat::Json;
    Document map = owned(workload, "v1", "ConfigMap", config_suffix);
    map["data"] = {
        {config_key, api::encode(config).dump(2) + "\n"}, {ca_key, settings.operator_ca_pem}};
    return map;
}

Document service(const domain::Workload& workload) {
    Document object = owned(workload, "v1", "Service", "");
    object["spec"] = {
        {"type", "ClusterIP"},
        {"selector", selector_of(workload)},
        {"ports", client_ports(workload)}};
    return object;
}

// Every proxy by name, whether it is ready or not: for cancel requests that belong to another one.
Document headless_service(const domain::Workload& workload) {
    Document object = owned(workload, "v1", "Service", peers_suffix);
    object["spec"] = {
        {"type", "ClusterIP"},
        {"clusterIP", "None"},
        {"publishNotReadyAddresses", true},
        {"selector", selector_of(workload)},
        {"ports", client_ports(workload)}};
    return object;
}

Document disruption_budget(const domain::Workload& workload) {
    Document object = owned(workload, "policy/v1", "PodDisruptionBudget", "");
    object["spec"] = {
        {"maxUnavailable", 1}, {"selector", {{"matchLabels", selector_of(workload)}}}};
    return object;
}

std::vector<Document> wanted_objects(
    const domain::Workload& workload, std::int32_t replicas, const ObjectSettings& settings
) {
    return {
        service_account(workload),
        config_map(workload, settings),
        service(workload),
        headless_service(workload),
        disruption_budget(workload),
        deployment(workload, replicas, settings)};
}

}  // namespace penstock::objects
