#include "dataplane/wire/scram.hpp"

#include "crds/api/check.hpp"
#include "dataplane/wire/digest.hpp"
#include "dataplane/wire/saslprep.hpp"

#include <algorithm>
#include <charconv>

namespace penstock::wire {
namespace {

constexpr std::size_t salt_bytes = 16;  // PostgreSQL's SCRAM_DEFAULT_SALT_LEN

std::string xor_of(std::string left, std::string_view right) {
    CHECK(left.size() == right.size());
    for (std::size_t i = 0; i < left.size(); ++i) left[i] = static_cast<char>(left[i] ^ right[i]);
    return left;
}

// The text before `mark`, taken off the front of `rest` with the mark; nothing if there is no mark.
std::optional<std::string_view> take_until(std::string_view& rest, char mark) {
    const std::size_t end = rest.find(mark);
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view taken = rest.substr(0, end);
    rest.remove_prefix(end + 1);
    return taken;
}

}  // namespace

std::optional<ScramVerifier> parse_scram_verifier(std::string_view text) {
    std::string_view rest = text;
    if (take_until(rest, '$') != scram_sha_256) return std::nullopt;
    const auto iterations = take_until(rest, ':');
    const auto salt = take_until(rest, '$');
    const auto stored_key = take_until(rest, ':');
    if (!iterations || !salt || !stored_key) return std::nullopt;

    ScramVerifier verifier;
    const char* const end = iterations->data() + iterations->size();
    const auto [stop, fault] = std::from_chars(iterations->data(), end, verifier.iterations);
    if (fault != std::errc{} || stop != end || verifier.iterations < 1) return std::nullopt;

    auto salt_octets = from_base64(*salt);
    auto stored_octets = from_base64(*stored_key);
    auto server_octets = from_base64(rest);
    if (!salt_octets || salt_octets->empty()) return std::nullopt;
    if (!stored_octets || stored_octets->size() != sha_256_bytes) return std::nullopt;
    if (!server_octets || server_octets->size() != sha_256_bytes) return std::nullopt;
    verifier.salt = std::move(*salt_octets);
    verifier.stored_key = std::move(*stored_octets);
    verifier.server_key = std::move(*server_octets);
    return verifier;
}

std::string to_string(const ScramVerifier& verifier) {
    return std::string{scram_sha_256} + '$' + std::to_string(verifier.iterations) + ':' +
           to_base64(verifier.salt) + '$' + to_base64(verifier.stored_key) + ':' +
           to_base64(verifier.server_key);
}

ScramKeys scram_keys(std::string_view password, std::string_view salt, int iterations) {
    const std::string salted_password = pbkdf2_sha_256(saslprep(password), salt, iterations);
    return {
        .iterations = iterations,
        .salt = std::string{salt},
        .client_key = hmac_sha_256(salted_password, "Client Key"),
        .server_key = hmac_sha_256(salted_password, "Server Key"),
    };
}

ScramVerifier scram_verifier(const ScramKeys& keys) {
    return {
        .iterations = keys.iterations,
        .salt = keys.salt,
        .stored_key = sha_256(keys.client_key),
        .server_key = keys.server_key,
    };
}

std::string scram_salt(std::string_view mock_secret, std::string_view user) {
    return hmac_sha_256(mock_secret, "salt:" + std::string{user}).substr(0, salt_bytes);
}

ScramVerifier mock_scram_verifier(
    std::string_view mock_secret, std::string_view user, int iterations
) {
    // A StoredKey that is nobody's SHA-256: no ClientKey leads to it.
    return {
        .iterations = iterations,
        .salt = scram_salt(mock_secret, user),
        .stored_key = hmac_sha_256(mock_secret, "stored key:" + std::string{user}),
        .server_key = hmac_sha_256(mock_secret, "server key:" + std::string{user}),
    };
}

std::string scram_client_proof(std::string_view client_key, std::string_view auth_message) {
    return xor_of(hmac_sha_256(sha_256(client_key), auth_message), client_key);
}

std::string scram_server_signature(std::string_view server_key, std::string_view auth_message) {
    return hmac_sha_256(server_key, auth_message);
}

std::string scram_client_key(
    std::string_view stored_key, std::string_view auth_message, std::string_view proof
) {
    return xor_of(hmac_sha_256(stored_key, auth_message), proof);
}

std::optional<std::string_view> take_scram_attribute(std::string_view& rest, char name) {
    if (rest.size() < 2 || rest[0] != name || rest[1] != '=') return std::nullopt;
    rest.remove_prefix(2);
    const std::size_t end = std::min(rest.find(','), rest.size());
    const std::string_view value = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    return value;
}

bool is_scram_nonce(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return c >= '!' && c <= '~' && c != ',';
    });
}

}  // namespace penstock::wire
