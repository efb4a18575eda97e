#include "operator/tools/rbac_manifests.hpp"

#include "operator/objects/rbac.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>

#include <gtest/gtest.h>

namespace penstock::tools {
namespace {

using api::Document;

std::string contents(const std::string& path) {
    std::ifstream file{path, std::ios::binary};
    return {std::istreambuf_iterator<char>{file}, {}};
}

bool has(const Document& list, std::string_view wanted) {
    return std::find(list.begin(), list.end(), wanted) != list.end();
}

TEST(RbacManifests, FilesAreCurrent) {
    for (const ManifestFile& file : rbac_files()) {
        EXPECT_TRUE(contents(std::string{PENSTOCK_SOURCE_DIR} + "/" + file.path) == file.text)
            << file.path
            << " is not what operator/objects/rbac.hpp says; run manifestgen with the source tree "
               "as its argument";
    }
}

TEST(RbacManifests, NothingIsAWildcardAndNoRightLeadsToMoreRights) {
    for (const objects::Right& right : objects::operator_rights()) {
        const std::string line = std::string{right.group} + " " + std::string{right.resource} +
                                 " " + std::string{right.verbs};
        for (const char* forbidden :
             {"*",
              "escalate",
              "bind",
              "impersonate",
              "roles",
              "rolebindings",
              "tokenreviews",
              "serviceaccounts/token",
              "pods/exec",
              "nodes",
              "customresourcedefinitions"})
            EXPECT_EQ(line.find(forbidden), std::string::npos) << line;
        EXPECT_FALSE(right.why.empty()) << line;
    }
}

TEST(RbacManifests, SecretsAreOnlyTheOperatorsOwn) {
    for (const char* kind : {"ClusterRole", "Role"}) {
        for (const Document& rule : watched_role(kind)["rules"])
            EXPECT_FALSE(has(rule["resources"], "secrets")) << rule;
    }
    bool reads = false;
    const Document own = own_role();
    EXPECT_EQ(own["kind"], "Role");
    EXPECT_EQ(own["metadata"]["namespace"], install_namespace);
    for (const Document& rule : own["rules"]) {
        if (!has(rule["resources"], "secrets")) continue;
        if (rule["verbs"] == Document::array({"create"})) continue;
        reads = true;
        EXPECT_EQ(rule["resourceNames"], Document::array({objects::keys_secret}));
    }
    EXPECT_TRUE(reads);
}

TEST(RbacManifests, SpecIsNeverWritten) {
    for (const Document& rule : watched_role("ClusterRole")["rules"]) {
        if (has(rule["resources"], "connectionpools") || has(rule["resources"], "backpressures")) {
            EXPECT_EQ(rule["verbs"], Document::array({"get", "list", "watch"}));
        }
    }
}

TEST(RbacManifests, BothInstallsHaveTheSameRules) {
    EXPECT_EQ(watched_role("ClusterRole")["rules"], watched_role("Role")["rules"]);
}

TEST(RbacManifests, UsersRolesAreAddedToTheClustersOwn) {
    for (const Document& role : user_roles()) {
        const std::string name = role["metadata"]["name"].get<std::string>();
        const std::string to = name.substr(std::string{"penstock-"}.size());
        EXPECT_EQ(
            role["metadata"]["labels"]["rbac.authorization.k8s.io/aggregate-to-" + to], "true"
        );
    }
}

}  // namespace
}  // namespace penstock::tools
