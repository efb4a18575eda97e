#include "operator/tools/rbac_manifests.hpp"

#include "crds/api/names.hpp"
#include "operator/objects/rbac.hpp"

#include <utility>

namespace penstock::tools {
namespace {

using api::Document;
using objects::Right;
using objects::RightScope;

constexpr const char* rbac_group = "rbac.authorization.k8s.io";

Document words(std::string_view text) {
    Document list = Document::array();
    while (!text.empty()) {
        const std::size_t blank = text.find(' ');
        list.push_back(text.substr(0, blank));
        text = blank == std::string_view::npos ? "" : text.substr(blank + 1);
    }
    return list;
}

Document rule_of(const Right& right) {
    Document rule = Document::object();
    rule.emplace("apiGroups", Document::array({right.group}));
    rule.emplace("resources", Document::array({right.resource}));
    if (!right.name.empty()) rule.emplace("resourceNames", Document::array({right.name}));
    rule.emplace("verbs", words(right.verbs));
    return rule;
}

Document rules_of(RightScope scope) {
    Document rules = Document::array();
    for (const Right& right : objects::operator_rights()) {
        if (right.scope == scope) rules.push_back(rule_of(right));
    }
    return rules;
}

Document object(const std::string& kind, const std::string& name) {
    Document document = Document::object();
    document.emplace("apiVersion", std::string{rbac_group} + "/v1");
    document.emplace("kind", kind);
    document["metadata"]["name"] = name;
    document["metadata"]["labels"] = Document{
        {std::string{api::labels::name}, api::operator_name},
        {std::string{api::labels::managed_by}, "kustomize"}};
    return document;
}

// `kind` RoleBinding or ClusterRoleBinding to the role of the same name.
Document binding(const std::string& kind, const std::string& name, const std::string& role_kind) {
    Document document = object(kind, name);
    document["roleRef"] = Document{{"apiGroup", rbac_group}, {"kind", role_kind}, {"name", name}};
    document["subjects"] = Document::array({Document{
        {"kind", "ServiceAccount"}, {"name", api::operator_name}, {"namespace", install_namespace}}}
    );
    return document;
}

Document user_role(const std::string& to, std::string_view verbs) {
    Document role = object("ClusterRole", "penstock-" + to);
    role["metadata"]["labels"]["rbac.authorization.k8s.io/aggregate-to-" + to] = "true";
    Document whole = Document::object();
    whole.emplace("apiGroups", Document::array({api::group}));
    whole.emplace("resources", Document::array({"connectionpools", "backpressures"}));
    whole.emplace("verbs", words(verbs));
    Document status = Document::object();
    status.emplace("apiGroups", Document::array({api::group}));
    status.emplace(
        "resources", Document::array({"connectionpools/status", "backpressures/status"})
    );
    status.emplace("verbs", words("get"));
    role["rules"] = Document::array({std::move(whole), std::move(status)});
    if (to == "view") return role;
    Document scale = Document::object();
    scale.emplace("apiGroups", Document::array({api::group}));
    scale.emplace("resources", Document::array({"connectionpools/scale"}));
    scale.emplace("verbs", words("get patch update"));
    role["rules"].push_back(std::move(scale));
    return role;
}

std::string text_of(const std::vector<Document>& documents) {
    std::string text =
        "# Made by manifestgen from the table in operator/objects/rbac.hpp; do not edit.\n";
    for (std::size_t i = 0; i < documents.size(); ++i)
        text += (i == 0 ? "" : "---\n") + yaml::write(documents[i]);
    return text;
}

const std::string watched_name = std::string{api::operator_name};
const std::string own_name = std::string{api::operator_name} + "-own";

}  // namespace

Document watched_role(const std::string& kind) {
    Document role = object(kind, watched_name);
    role["rules"] = rules_of(RightScope::Watched);
    return role;
}

Document own_role() {
    Document role = object("Role", own_name);
    role["metadata"]["namespace"] = install_namespace;
    role["rules"] = rules_of(RightScope::OwnNamespace);
    return role;
}

std::vector<Document> user_roles() {
    const std::string_view all = "get list watch create update patch delete deletecollection";
    return {user_role("admin", all), user_role("edit", all), user_role("view", "get list watch")};
}

std::vector<ManifestFile> rbac_files() {
    Document own_binding = binding("RoleBinding", own_name, "Role");
    own_binding["metadata"]["namespace"] = install_namespace;
    return {
        {"manifests/rbac/cluster/rbac.yaml",
         text_of(
             {watched_role("ClusterRole"),
              binding("ClusterRoleBinding", watched_name, "ClusterRole")}
         )},
        {"manifests/rbac/namespaced/rbac.yaml",
         text_of({watched_role("Role"), binding("RoleBinding", watched_name, "Role")})},
        {"manifests/rbac/own/rbac.yaml", text_of({own_role(), std::move(own_binding)})},
        {"manifests/rbac/users/rbac.yaml", text_of(user_roles())},
    };
}

}  // namespace penstock::tools
