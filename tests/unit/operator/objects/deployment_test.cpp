#include "operator/objects/objects.hpp"
#include "operator/objects/read.hpp"
#include "tests/support/sample_workload.hpp"

#include <set>

#include <gtest/gtest.h>

namespace penstock::objects {
namespace {

using api::Document;

const ObjectSettings settings{"penstock:0.1.0", "PEM\n"};

Document made(const domain::Workload& workload = test::sample_workload()) {
    return deployment(workload, workload.replicas, settings);
}

TEST(Deployment, EverySecretIsMountedOnceWhereTheConfigurationLooks) {
    const Document object = made();
    std::set<std::string> secrets;
    for (const Document& each : list_at(object, "/spec/template/spec/volumes"))
        if (find(each, "/secret")) secrets.insert(text_at(each, "/secret/secretName"));
    const std::set<std::string> wanted{"database-ca", "monitor", "server-tls", "users"};
    EXPECT_EQ(secrets, wanted);
    std::set<std::string> paths;
    for (const Document& each : list_at(object, "/spec/template/spec/containers/0/volumeMounts"))
        paths.insert(text_at(each, "/mountPath"));
    EXPECT_TRUE(paths.contains("/etc/penstock/secrets/shop/users"));
    EXPECT_EQ(paths.size(), 6U);
}

TEST(Deployment, IsHeldWhileTheReserveCarriesNoStart) {
    EXPECT_EQ(find(made(), "/spec/paused"), nullptr);
    domain::Workload workload = test::sample_workload();
    workload.starts_allowed = 0;
    EXPECT_EQ(*find(made(workload), "/spec/paused"), true);
}

TEST(Deployment, WithoutSurgeAnOldPodLeavesFirst) {
    domain::Workload workload = test::sample_workload();
    EXPECT_EQ(number_at(made(workload), "/spec/strategy/rollingUpdate/maxSurge"), 1);
    EXPECT_EQ(number_at(made(workload), "/spec/strategy/rollingUpdate/maxUnavailable"), 0);
    workload.surge = 0;
    EXPECT_EQ(number_at(made(workload), "/spec/strategy/rollingUpdate/maxSurge"), 0);
    EXPECT_EQ(number_at(made(workload), "/spec/strategy/rollingUpdate/maxUnavailable"), 1);
}

// What only the ConfigMap says must not roll the Deployment.
TEST(Deployment, LiveFieldsAreNotInTheTemplate) {
    domain::Workload workload = test::sample_workload();
    const Document before = made(workload);
    workload.config.generation = 99;
    workload.config.limits.max_client_connections = 7;
    EXPECT_EQ(before, made(workload));
}

TEST(Deployment, HasNoTokenOfTheApi) {
    const Document object = made();
    EXPECT_EQ(*find(object, "/spec/template/spec/automountServiceAccountToken"), false);
    EXPECT_EQ(
        text_at(
            object, "/spec/template/spec/volumes/1/projected/sources/0/serviceAccountToken/audience"
        ),
        "penstock-operator"
    );
}

TEST(Deployment, ProxiesHaveTheirTimeToDrain) {
    domain::Workload workload = test::sample_workload();
    workload.config.drain.timeout_seconds = 60;
    EXPECT_EQ(number_at(made(workload), "/spec/template/spec/terminationGracePeriodSeconds"), 90);
}

}  // namespace
}  // namespace penstock::objects
