// Users and their secrets as the proxy keeps them, and PgBouncer's userlist.txt, which they are
// read from. A table is filled once, then read by all workers.
#pragma once

#include "crds/api/result.hpp"
#include "dataplane/wire/derived_verifier.hpp"
#include "dataplane/wire/scram.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace penstock::wire {

enum class SecretKind : std::uint8_t {
    Empty,          // no password: logs in by trust only
    Plain,          // the password itself
    Md5,            // "md5" and 32 digits: md5 of password and user
    ScramVerifier,  // what PostgreSQL stores for SCRAM-SHA-256
};

struct Secret {
    SecretKind kind = SecretKind::Empty;
    std::string text;                                // as it was written
    std::optional<ScramVerifier> verifier;           // ScramVerifier: always there
    std::shared_ptr<const DerivedVerifier> derived;  // Plain: there after prepare_verifiers()

    bool operator==(const Secret&) const = default;
};

// Tells the kind by the text, as PostgreSQL does for rolpassword. An error if the text begins as a
// SCRAM verifier and is not one.
api::Result<Secret> read_secret(std::string_view text);

class UserTable {
 public:
    // False, and nothing changes, if the user is there already.
    bool add(std::string_view user, Secret secret);
    // Nothing if there is no such user. Holds as long as the table is not changed.
    const Secret* find(std::string_view user) const;

    // Plain passwords get verifiers that are derived at the first login of their users, or those
    // of the table before, where the password is the same. The salts are scram_salt()'s.
    void prepare_verifiers(
        std::string_view mock_secret, int iterations, const UserTable* before = nullptr
    );

    // Of most stored verifiers, so that what users without one are shown looks alike; PostgreSQL's
    // default if there is none.
    int usual_iterations() const;

    bool is_empty() const { return secrets_.empty(); }
    std::size_t size() const { return secrets_.size(); }
    // Is a user's secret stored as a SCRAM verifier?
    bool has_scram_verifiers() const { return has_scram_verifiers_; }
    // Users in no order.
    auto begin() const { return secrets_.begin(); }
    auto end() const { return secrets_.end(); }

 private:
    struct Hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const {
            return std::hash<std::string_view>{}(text);
        }
    };
    std::unordered_map<std::string, Secret, Hash, std::equal_to<>> secrets_;
    bool has_scram_verifiers_ = false;
};

// `"user" "secret"` on each line; a quote inside quotes is doubled; a line that begins with ; or #
// is a comment; what follows a secret is passed over, a byte order mark too. Names are cut to
// name_bytes_max. All faults at once, their paths are "line 3". A text without any user is a fault:
// an empty table means that no table is configured.
api::Checked<UserTable> parse_userlist(std::string_view text);

}  // namespace penstock::wire
