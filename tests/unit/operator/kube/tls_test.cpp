#include "operator/kube/tls.hpp"

#include "tests/support/certificates.hpp"

#include <gmock/gmock.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

namespace penstock::kube {
namespace {

class TlsTest : public testing::Test {
 protected:
    TlsTest() {
        credentials_.origin = "the test";
        credentials_.ca.file = ca_.cert;
    }
    int trusted() {
        return sk_X509_OBJECT_num(
            X509_STORE_get0_objects(SSL_CTX_get_cert_store(context_.native_handle()))
        );
    }
    std::string fault() {
        const auto prepared = prepare_tls(context_, credentials_);
        return prepared ? "" : api::to_string(prepared.error());
    }
    test::TempDir folder_;
    test::Certificate ca_ = test::make_certificate(folder_, "ca", "ca");
    test::Certificate mine_ = test::make_certificate(folder_, "mine", "me");
    boost::asio::ssl::context context_{boost::asio::ssl::context::tls_client};
    Credentials credentials_;
};

TEST_F(TlsTest, TrustsAllCertificatesOfTheAuthorityAndNobodyElse) {
    context_.set_default_verify_paths();
    EXPECT_EQ(fault(), "");
    EXPECT_EQ(trusted(), 1);
    credentials_.ca = {"", folder_.read("ca.crt") + folder_.read("mine.crt")};
    EXPECT_EQ(fault(), "");
    EXPECT_EQ(trusted(), 2);
    EXPECT_EQ(SSL_CTX_get_min_proto_version(context_.native_handle()), TLS1_2_VERSION);
}

TEST_F(TlsTest, FaultsNameTheFileAndTrustNobody) {
    const std::string junk = folder_.write("junk", "junk");
    credentials_.ca.file = junk;
    EXPECT_THAT(fault(), testing::HasSubstr(junk + ": has no certificate authority"));
    EXPECT_EQ(trusted(), 0);
    credentials_.ca = {"", "junk"};
    EXPECT_THAT(fault(), testing::HasSubstr("the test: has no certificate authority"));
    credentials_.ca.file = ca_.cert;
    credentials_.client_certificate.file = mine_.cert;
    credentials_.client_key.file = folder_.path("nowhere");
    EXPECT_THAT(fault(), testing::HasSubstr(folder_.path("nowhere") + ": cannot be read"));
    EXPECT_EQ(trusted(), 0);
    credentials_.client_key.file = ca_.key;
    EXPECT_THAT(fault(), testing::HasSubstr(ca_.key + ": is not the client certificate's key"));
    credentials_.client_certificate.file = junk;
    EXPECT_THAT(fault(), testing::HasSubstr(junk + ": is no client certificate"));
    credentials_.client_certificate.file = mine_.cert;
    credentials_.client_key.file = mine_.key;
    EXPECT_EQ(fault(), "");
    EXPECT_EQ(trusted(), 1);
}

}  // namespace
}  // namespace penstock::kube
