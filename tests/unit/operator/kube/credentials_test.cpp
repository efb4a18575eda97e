#include "operator/kube/credentials.hpp"

#include "tests/support/temp_dir.hpp"

#include <filesystem>

#include <gmock/gmock.h>

namespace penstock::kube {
namespace {

using testing::HasSubstr;

class CredentialsTest : public testing::Test {
 protected:
    CredentialsTest() {
        environment_.service_account = folder_.path();
        folder_.write("ca.crt", "CA");
        folder_.write("token", "T");
        folder_.write("namespace", "ops\n");
    }
    std::string kubeconfig(const std::string& name) {
        return folder_.write(
            name,
            "current-context: " + name +
                "\n"
                "contexts: [{name: " +
                name +
                ", context: {cluster: c, user: u}}]\n"
                "clusters: [{name: c, cluster: {server: \"https://c\"}}]\n"
                "users: [{name: u, user: {token: t}}]\n"
        );
    }
    test::TempDir folder_;
    Environment environment_;
};

TEST_F(CredentialsTest, PodsServiceAccountIsFound) {
    environment_.service_host = "10.96.0.1";
    environment_.service_port = "443";
    const auto found = find_credentials("", "", environment_);
    ASSERT_TRUE(found) << api::to_string(found.error());
    EXPECT_EQ(found->server, "https://10.96.0.1:443");
    EXPECT_EQ(found->name_space, "ops");
    EXPECT_EQ(found->ca.read(), "CA");
    EXPECT_EQ(found->token.read(), "T");
    environment_.service_host = "fd00::1";
    EXPECT_EQ(in_cluster(environment_)->server, "https://[fd00::1]:443");
}

TEST_F(CredentialsTest, PodWithoutATokenIsToldWhatToDo) {
    environment_.service_host = "10.96.0.1";
    std::filesystem::remove(folder_.path("token"));
    const auto found = find_credentials("", "", environment_);
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().path, folder_.path("token"));
    EXPECT_THAT(found.error().text, HasSubstr("automountServiceAccountToken"));
}

TEST_F(CredentialsTest, FlagThenPodThenVariableThenHome) {
    std::filesystem::create_directory(folder_.path(".kube"));
    environment_.home = folder_.path();
    kubeconfig(".kube/config");
    EXPECT_THAT(find_credentials("", "", environment_)->origin, HasSubstr("/.kube/config"));
    environment_.kubeconfig = folder_.path("missing") + ":" + kubeconfig("variable");
    EXPECT_THAT(find_credentials("", "", environment_)->origin, HasSubstr("/variable"));
    environment_.service_host = "10.96.0.1";
    EXPECT_THAT(find_credentials("", "", environment_)->origin, HasSubstr("service account"));
    EXPECT_THAT(find_credentials(kubeconfig("flag"), "", environment_)->origin, HasSubstr("/flag"));
}

TEST_F(CredentialsTest, NothingAtAllAndMissingFilesAreToldWhatToDo) {
    EXPECT_THAT(
        find_credentials("", "", environment_).error().text, HasSubstr("--kubeconfig FILE")
    );
    const auto missing = find_credentials(folder_.path("missing"), "", environment_);
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().path, folder_.path("missing"));
    EXPECT_THAT(missing.error().text, HasSubstr("No such file"));
}

TEST_F(CredentialsTest, EnvironmentOfThisProcessNamesTheUsualFolder) {
    EXPECT_EQ(
        environment_of_process().service_account, "/var/run/secrets/kubernetes.io/serviceaccount"
    );
}

}  // namespace
}  // namespace penstock::kube
