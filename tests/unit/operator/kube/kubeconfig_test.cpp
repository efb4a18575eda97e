#include "operator/kube/kubeconfig.hpp"

#include "crds/yaml/yaml.hpp"

#include <gmock/gmock.h>

namespace penstock::kube {
namespace {

using testing::HasSubstr;

class KubeconfigTest : public testing::Test {
 protected:
    api::Document config_ = yaml::read_one(
                                R"(
current-context: dev
contexts:
- {name: dev, context: {cluster: c, user: u, namespace: team}}
- {name: other, context: {cluster: d, user: u}}
- {name: lost, context: {cluster: nowhere, user: u}}
- {name: nobody, context: {cluster: c, user: nowhere}}
clusters:
- {name: c, cluster: {server: "https://c:6443/", certificate-authority: pki/ca.crt}}
- {name: d, cluster: {server: "https://d", certificate-authority-data: "Q0EK"}}
users:
- {name: u, user: {token: secret}}
)",
                                "t"
    )
                                .value();
    api::Document& cluster() { return config_["clusters"][0]["cluster"]; }
    api::Document& user() { return config_["users"][0]["user"]; }

    api::Result<Credentials> read(const std::string& context = "") {
        return read_kubeconfig(yaml::write(config_), "/home/me/.kube/config", context);
    }
    std::string fault(const std::string& context = "") {
        const auto result = read(context);
        return result ? "" : api::to_string(result.error());
    }
};

TEST_F(KubeconfigTest, CurrentContext) {
    const auto found = read();
    ASSERT_TRUE(found) << api::to_string(found.error());
    EXPECT_EQ(found->server, "https://c:6443");
    EXPECT_EQ(found->name_space, "team");
    EXPECT_EQ(found->ca.file, "/home/me/.kube/pki/ca.crt");
    EXPECT_EQ(found->token.text, "secret");
    EXPECT_EQ(found->origin, "kubeconfig /home/me/.kube/config, context dev");
}

TEST_F(KubeconfigTest, NamedContextWithInlineAuthority) {
    const auto found = read("other");
    ASSERT_TRUE(found) << api::to_string(found.error());
    EXPECT_EQ(found->server, "https://d");
    EXPECT_EQ(found->name_space, "default");
    EXPECT_EQ(found->ca.read(), "CA\n");
}

TEST_F(KubeconfigTest, ClientCertificatesAndTokenFiles) {
    user() = {{"client-certificate-data", "Qw=="}, {"client-key", "/k"}};
    EXPECT_EQ(read()->client_certificate.text, "C");
    EXPECT_EQ(read()->client_key.file, "/k");
    user() = {{"tokenFile", "token"}, {"token", "stale"}};
    EXPECT_EQ(read()->token.file, "/home/me/.kube/token");
    EXPECT_EQ(read()->token.text, "");
}

TEST_F(KubeconfigTest, FaultsNameFileContextAndRemedy) {
    EXPECT_THAT(fault("none"), HasSubstr("no context none, only dev other"));
    EXPECT_THAT(fault("lost"), HasSubstr("context lost names the cluster \"nowhere\""));
    EXPECT_THAT(fault("nobody"), HasSubstr("context nobody names the user \"nowhere\""));
    EXPECT_THAT(fault("none"), HasSubstr("/home/me/.kube/config: "));
    config_.erase("current-context");
    EXPECT_THAT(fault(), HasSubstr("pass --context NAME, one of dev"));
}

TEST_F(KubeconfigTest, UnsafeClustersAreRefused) {
    cluster()["insecure-skip-tls-verify"] = true;
    EXPECT_THAT(fault(), HasSubstr("set certificate-authority or"));
    cluster()["insecure-skip-tls-verify"] = false;
    EXPECT_EQ(fault(), "");
    cluster()["proxy-url"] = "socks5://x";
    EXPECT_THAT(fault(), HasSubstr("proxy-url"));
    cluster().erase("proxy-url");
    cluster()["server"] = "http://c";
    EXPECT_THAT(fault(), HasSubstr("must begin with https://"));
}

TEST_F(KubeconfigTest, UsersThatCannotBeServedAreRefused) {
    user() = {{"exec", {{"command", "aws"}}}};
    EXPECT_THAT(fault(), HasSubstr("kubectl create token"));
    user() = {{"username", "x"}, {"password", "y"}};
    EXPECT_THAT(fault(), HasSubstr("use a token"));
    user() = {{"client-certificate", "/c"}};
    EXPECT_THAT(fault(), HasSubstr("both client-certificate and client-key"));
    user() = api::Document::object();
    EXPECT_THAT(fault(), HasSubstr("neither a token nor a client certificate"));
    user() = {{"client-certificate-data", "?"}, {"client-key-data", "Qw=="}};
    EXPECT_THAT(fault(), HasSubstr("client-certificate-data that is not base64"));
}

TEST_F(KubeconfigTest, OtherTextsAreRefused) {
    for (const char* text : {"[]", "{", "contexts: 7\ncurrent-context: x", "current-context: []"})
        EXPECT_FALSE(read_kubeconfig(text, "f", "")) << text;
}

}  // namespace
}  // namespace penstock::kube
