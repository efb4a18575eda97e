#include "operator/runtime/resource.hpp"

#include <gtest/gtest.h>

namespace penstock::runtime {
namespace {

TEST(Resource, PathsOfTheCoreGroupAndOfOthers) {
    EXPECT_EQ(resources::pods.collection(), "/api/v1/pods");
    EXPECT_EQ(resources::pods.collection("a"), "/api/v1/namespaces/a/pods");
    EXPECT_EQ(
        resources::connection_pools.subresource("a", "b", "status"),
        "/apis/penstock.dev/v1alpha1/namespaces/a/connectionpools/b/status"
    );
    EXPECT_EQ(
        resources::leases.object("a", "b"), "/apis/coordination.k8s.io/v1/namespaces/a/leases/b"
    );
}

TEST(Resource, ClusterWideKindsHaveNoNamespaceInTheirPath) {
    constexpr Resource nodes{"", "v1", "nodes", "Node", false};
    EXPECT_EQ(nodes.object("a", "b"), "/api/v1/nodes/b");
}

TEST(Resource, NamesForPeople) {
    EXPECT_EQ(resources::deployments.name(), "deployments.apps");
    EXPECT_EQ(resources::pods.name(), "pods");
}

}  // namespace
}  // namespace penstock::runtime
