// SCRAM-SHA-256 (RFC 5802, RFC 7677) keys and verifiers as PostgreSQL stores them. The two machines
// that use them are ScramServer and ScramClient. Pure; any thread.
//
// Passwords are prepared by saslprep(), on both sides alike.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace penstock::wire {

inline constexpr std::string_view scram_sha_256 = "SCRAM-SHA-256";
// PostgreSQL's default of scram_iterations.
inline constexpr int scram_default_iterations = 4096;
// A server that asks a client for more would stop a worker for longer than 0.3 s.
inline constexpr int scram_iterations_max = 1'000'000;

// What a server keeps of a password: it proves a client's login and allows none.
struct ScramVerifier {
    int iterations = 0;
    std::string salt;
    std::string stored_key;
    std::string server_key;

    bool operator==(const ScramVerifier&) const = default;
};

// What logs a client in without its password, at a server whose verifier has this salt and these
// iterations.
struct ScramKeys {
    int iterations = 0;
    std::string salt;
    std::string client_key;
    std::string server_key;

    bool operator==(const ScramKeys&) const = default;
};

// "SCRAM-SHA-256$iterations:salt$StoredKey:ServerKey", as in pg_authid.rolpassword; nothing if it
// is anything else.
std::optional<ScramVerifier> parse_scram_verifier(std::string_view text);
std::string to_string(const ScramVerifier& verifier);

// Costs pbkdf2_sha_256 once; the caller keeps the result. Requires: iterations > 0.
ScramKeys scram_keys(std::string_view password, std::string_view salt, int iterations);
ScramVerifier scram_verifier(const ScramKeys& keys);

// The salt shown to a user whose verifier is not stored: the same at each login and, without the
// secret of this process, not to be told from a stored one. Known users with plain passwords and
// unknown users get it alike.
std::string scram_salt(std::string_view mock_secret, std::string_view user);
// For a user who does not exist: an exchange like any other, which no password passes.
ScramVerifier mock_scram_verifier(
    std::string_view mock_secret, std::string_view user, int iterations
);

// The two ends' signatures over the exchange; AuthMessage of RFC 5802 section 3.
std::string scram_client_proof(std::string_view client_key, std::string_view auth_message);
std::string scram_server_signature(std::string_view server_key, std::string_view auth_message);
// The ClientKey behind a proof of the right length. It is the client's own if its SHA-256 is the
// StoredKey.
std::string scram_client_key(
    std::string_view stored_key, std::string_view auth_message, std::string_view proof
);

// Takes "NAME=value" and its comma off the front of `rest`; nothing, and `rest` as it was, if
// something else is there. The value is a view into `rest`.
std::optional<std::string_view> take_scram_attribute(std::string_view& rest, char name);
// One or more printable ASCII characters without comma: what RFC 5802 allows as a nonce.
bool is_scram_nonce(std::string_view text);

}  // namespace penstock::wire
