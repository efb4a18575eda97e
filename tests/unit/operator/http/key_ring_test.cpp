#include "operator/http/key_ring.hpp"

#include "tests/support/child.hpp"
#include "tests/support/temp_dir.hpp"

#include <gmock/gmock.h>

namespace penstock::http {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

// Wholly in the past and in UTC, so that nothing depends on today.
const WallTime noon = std::chrono::system_clock::from_time_t(1'800'000'000);
constexpr KeyRing::Times times{24h * 300, 24h};

std::string openssl(const test::TempDir& folder, std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "/usr/bin/openssl");
    test::Child(arguments, folder.path("log")).wait();
    return folder.read("log");
}

TEST(KeyRing, AClientIsSignedByItsAuthorityForTlsClientsOnly) {
    const CertifiedKey authority = make_authority(noon, 1000h).value();
    const CertifiedKey client = mint_client(authority, noon, 24h).value();
    EXPECT_TRUE(check(authority));
    EXPECT_TRUE(check(client));
    const test::TempDir folder;
    const std::string ca = folder.write("ca", authority.certificate);
    const std::string leaf = folder.write("leaf", client.certificate);
    const std::string at = std::to_string(1'800'000'000);
    EXPECT_THAT(
        openssl(
            folder,
            {"verify", "-x509_strict", "-attime", at, "-purpose", "sslclient", "-CAfile", ca, leaf}
        ),
        HasSubstr("leaf: OK")
    );
    EXPECT_THAT(
        openssl(folder, {"verify", "-attime", at, "-purpose", "sslserver", "-CAfile", ca, leaf}),
        HasSubstr("unsuitable certificate purpose")
    );
    EXPECT_THAT(
        openssl(folder, {"x509", "-noout", "-subject", "-in", leaf}),
        HasSubstr("CN = penstock-operator\n")
    );
}

TEST(KeyRing, CertificatesSayWhenTheyBeginAndEnd) {
    const CertifiedKey authority = make_authority(noon, 100h).value();
    const Validity own = validity(authority.certificate).value();
    EXPECT_EQ(own.end, noon + 100h);
    // Clocks differ.
    EXPECT_LT(own.begin, noon - 10min);
    EXPECT_EQ(validity(mint_client(authority, noon, 24h)->certificate)->end, noon + 24h);
    EXPECT_EQ(validity(mint_client(authority, noon, 999h)->certificate)->end, noon + 100h);
    EXPECT_FALSE(validity("no certificate"));
}

TEST(KeyRing, IsTheSameFromItsData) {
    KeyRing ring = KeyRing::make(noon, times).value();
    EXPECT_EQ(KeyRing::from_data(ring.to_data()).value(), ring);
    EXPECT_EQ(ring.to_data().size(), 2U);
    ring.next = make_authority(noon, 100h).value();
    ring.previous = make_authority(noon, 100h)->certificate;
    EXPECT_EQ(KeyRing::from_data(ring.to_data()).value(), ring);
}

TEST(KeyRing, FaultsOfItsDataNameTheEntry) {
    const KeyRing ring = KeyRing::make(noon, times).value();
    const KeyRing other = KeyRing::make(noon, times).value();
    const auto fault_with = [&](const std::string& entry, const std::string& text) {
        auto data = ring.to_data();
        data[entry] = text;
        const auto read = KeyRing::from_data(data);
        return read ? std::string("none") : api::to_string(read.error());
    };
    EXPECT_THAT(fault_with("ca.crt", ""), HasSubstr("ca.crt"));
    EXPECT_THAT(fault_with("ca.key", "nonsense"), HasSubstr("no private key"));
    EXPECT_THAT(fault_with("ca.key", other.active.key), HasSubstr("another certificate's"));
    EXPECT_THAT(fault_with("next.crt", other.active.certificate), HasSubstr("next.crt"));
    EXPECT_THAT(fault_with("previous.crt", "nonsense"), HasSubstr("previous.crt"));
    EXPECT_FALSE(KeyRing::from_data({}));
}

TEST(KeyRing, ANewAuthorityIsTrustedADayBeforeItSignsAndTheOldOneADayAfter) {
    const KeyRing young = KeyRing::make(noon, times).value();
    EXPECT_EQ(young.advanced(noon + 24h * 199, times).value(), young);

    const WallTime due = noon + 24h * 201;
    const KeyRing announced = young.advanced(due, times).value();
    EXPECT_EQ(announced.active, young.active);
    EXPECT_EQ(announced.trusted(), young.active.certificate + announced.next.certificate);
    EXPECT_EQ(announced.advanced(due + 23h, times).value(), announced);

    const KeyRing changed = announced.advanced(due + 24h, times).value();
    EXPECT_EQ(changed.active, announced.next);
    EXPECT_EQ(changed.trusted(), announced.next.certificate + young.active.certificate);
    EXPECT_EQ(changed.advanced(due + 47h, times).value(), changed);

    const KeyRing settled = changed.advanced(due + 48h, times).value();
    EXPECT_EQ(settled.trusted(), announced.next.certificate);
    EXPECT_EQ(settled.advanced(due + 48h, times).value(), settled);
}

TEST(KeyRing, OneThatHasExpiredIsMadeAnew) {
    const KeyRing old = KeyRing::make(noon, times).value();
    const KeyRing made = old.advanced(noon + 24h * 301, times).value();
    EXPECT_NE(made.active, old.active);
    EXPECT_EQ(made.trusted(), made.active.certificate);
}

}  // namespace
}  // namespace penstock::http
