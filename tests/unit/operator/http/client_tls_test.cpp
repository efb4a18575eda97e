#include "operator/http/client_tls.hpp"

#include "operator/http/key_ring.hpp"

#include <gmock/gmock.h>

namespace penstock::http {
namespace {

using ::testing::HasSubstr;

TEST(ClientTls, TakesACertificateAndItsKey) {
    const WallTime now = std::chrono::system_clock::from_time_t(1'800'000'000);
    const CertifiedKey authority = make_authority(now, std::chrono::hours(1)).value();
    const CertifiedKey client = mint_client(authority, now, std::chrono::hours(1)).value();
    EXPECT_TRUE(ClientTls::make(client.certificate, client.key));

    const auto no_certificate = ClientTls::make("", client.key);
    ASSERT_FALSE(no_certificate);
    EXPECT_THAT(api::to_string(no_certificate.error()), HasSubstr("no certificate in PEM form"));
    const auto wrong_key = ClientTls::make(client.certificate, authority.key);
    ASSERT_FALSE(wrong_key);
    EXPECT_THAT(api::to_string(wrong_key.error()), HasSubstr("its key cannot be used"));
}

}  // namespace
}  // namespace penstock::http
