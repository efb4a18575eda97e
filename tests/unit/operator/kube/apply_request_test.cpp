#include "operator/kube/apply_request.hpp"

#include <gtest/gtest.h>

namespace penstock::kube {
namespace {

const api::Document object{
    {"apiVersion", "v1"}, {"kind", "Service"}, {"metadata", {{"name", "a"}, {"namespace", "n"}}}};

TEST(ApplyRequest, IsAServerSideApplyOfOneFieldManager) {
    const runtime::Request request = apply_request(runtime::resources::services, object);
    EXPECT_EQ(request.method, runtime::Method::Patch);
    EXPECT_EQ(request.path, "/api/v1/namespaces/n/services/a");
    EXPECT_EQ(request.content_type, "application/apply-patch+yaml");
    const std::vector<std::pair<std::string, std::string>> query{
        {"fieldManager", "penstock-operator"}, {"force", "true"}};
    EXPECT_EQ(request.query, query);
    EXPECT_EQ(api::parse_json(request.body), object);
}

TEST(ApplyRequest, StatusIsASubresource) {
    EXPECT_EQ(
        apply_status_request(runtime::resources::connection_pools, object).path,
        "/apis/penstock.dev/v1alpha1/namespaces/n/connectionpools/a/status"
    );
}

TEST(ApplyRequest, AnnotationIsAMerge) {
    const runtime::Request request =
        annotate_request(runtime::resources::pods, "n", "p", "penstock.dev/config-seen", "7");
    EXPECT_EQ(request.path, "/api/v1/namespaces/n/pods/p");
    EXPECT_EQ(request.content_type, "application/merge-patch+json");
    EXPECT_EQ(request.body, R"({"metadata":{"annotations":{"penstock.dev/config-seen":"7"}}})");
}

}  // namespace
}  // namespace penstock::kube
