// The table of the operator's rights (operator/objects/rbac.hpp) as manifests, for manifestgen to
// write and for a test to compare.
#pragma once

#include "crds/yaml/yaml.hpp"

#include <string>
#include <vector>

namespace penstock::tools {

struct ManifestFile {
    std::string path;  // from the source tree's root
    std::string text;
};

// The namespace that the manifests install the operator into.
inline constexpr const char* install_namespace = "penstock-system";

// ClusterRole or Role with the operator's rights in watched namespaces.
api::Document watched_role(const std::string& kind);
// Role with its rights in its own namespace.
api::Document own_role();
// ClusterRoles that add rights on our resources to the cluster's own roles admin, edit and view.
std::vector<api::Document> user_roles();

std::vector<ManifestFile> rbac_files();

}  // namespace penstock::tools
