// Which Pod a token speaks for: a ServiceAccount's token is verified here, against the keys that
// the API server publishes, so that no right on TokenReviews is needed. Any thread.
#pragma once

#include "crds/api/result.hpp"
#include "operator/http/key_ring.hpp"
#include "operator/http/openssl.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace penstock::http {

struct PodIdentity {
    std::string pod_namespace;
    std::string pod_name;
    std::string pod_uid;
    std::string service_account;

    bool operator==(const PodIdentity&) const = default;
};

// The keys of a JWKS document (RFC 7517): RSA for RS256, P-256 for ES256. Others are left out.
class KeySet {
 public:
    // Fails if it is no such document, or not one key in it can be used.
    static api::Result<KeySet> parse(const std::string& document);

    struct Key {
        std::string id;         // empty: not said
        std::string algorithm;  // "RS256", "ES256"
        KeyPtr key;
    };
    const std::vector<Key>& keys() const { return keys_; }

 private:
    std::vector<Key> keys_;
};

// The Pod, if the token is signed by one of the keys, made out to penstock-operator, and good at
// `now` by clocks that differ by a minute at most. The fault says what is wrong; it never has the
// token in it.
api::Result<PodIdentity> verify_identity(std::string_view token, const KeySet& keys, WallTime now);

// True if the fault may go away with a newer JWKS document: no key has the token's id.
bool may_be_newer_key(std::string_view token, const KeySet& keys);

}  // namespace penstock::http
