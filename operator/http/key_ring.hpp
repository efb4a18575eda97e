// The keys of the operator: an authority (CA) of its own, the client certificate that it shows to
// proxies, and how authorities follow one another so that at every moment a proxy trusts the one
// in use. Values in PEM form; the caller keeps them and says what time it is. Any thread.
#pragma once

#include "crds/api/result.hpp"

#include <chrono>
#include <map>
#include <string>

namespace penstock::http {

using WallTime = std::chrono::system_clock::time_point;

struct CertifiedKey {
    std::string certificate;
    std::string key;

    bool operator==(const CertifiedKey&) const = default;
};

// A new EC P-256 authority, made out to penstock-operator-ca and signed by itself.
api::Result<CertifiedKey> make_authority(WallTime now, std::chrono::seconds validity);

// A new key with a certificate made out to penstock-operator, for a TLS client, signed by the
// authority. It ends no later than the authority does.
api::Result<CertifiedKey> mint_client(
    const CertifiedKey& authority, WallTime now, std::chrono::seconds validity
);

// Fails if the certificate or key is malformed, or one does not belong to the other.
api::Result<void> check(const CertifiedKey& pair);

struct Validity {
    WallTime begin;
    WallTime end;
};
api::Result<Validity> validity(const std::string& certificate);

// The authorities in use. One that comes next is trusted for a while before it signs, and one that
// has signed is trusted for a while after: `spread` is the time that every proxy has for hearing
// of it.
struct KeyRing {
    struct Times {
        std::chrono::seconds validity = std::chrono::hours(24 * 365);
        std::chrono::seconds spread = std::chrono::hours(24);
    };

    CertifiedKey active;   // signs
    CertifiedKey next;     // empty: none
    std::string previous;  // certificate; empty: none

    // What proxies trust: one certificate or two, PEM.
    std::string trusted() const;

    // As the data of a Secret: ca.crt, ca.key, next.crt, next.key, previous.crt.
    std::map<std::string, std::string> to_data() const;
    // The fault names the entry.
    static api::Result<KeyRing> from_data(const std::map<std::string, std::string>& data);

    static api::Result<KeyRing> make(WallTime now, const Times& times);
    // What the ring ought to be now; equal to this one if nothing is due.
    api::Result<KeyRing> advanced(WallTime now, const Times& times) const;

    bool operator==(const KeyRing&) const = default;
};

}  // namespace penstock::http
