#include "dataplane/wire/scram_client.hpp"

#include "crds/api/check.hpp"
#include "dataplane/wire/digest.hpp"

#include <charconv>

namespace penstock::wire {
namespace {

constexpr std::string_view gs2_header = "n,,";

std::string bare_first(std::string_view nonce) { return "n=,r=" + std::string{nonce}; }

tl::unexpected<std::string> fault(std::string text) {
    return tl::unexpected<std::string>{std::move(text)};
}

}  // namespace

ScramClient::ScramClient(
    std::optional<std::string> password, std::optional<ScramKeys> keys, std::string_view nonce
)
    : password_{std::move(password)}, keys_{std::move(keys)}, nonce_{nonce} {
    CHECK(is_scram_nonce(nonce));
    CHECK(password_ || keys_);
}

std::string ScramClient::first() const { return std::string{gs2_header} + bare_first(nonce_); }

tl::expected<std::string, std::string> ScramClient::final(std::string_view message) {
    CHECK(auth_message_.empty());
    std::string_view rest = message;
    const auto nonce = take_scram_attribute(rest, 'r');
    const auto salt_text = take_scram_attribute(rest, 's');
    const auto iterations_text = take_scram_attribute(rest, 'i');
    if (!nonce || !salt_text || !iterations_text) {
        return fault("the server's first SCRAM message is malformed");
    }
    if (!is_scram_nonce(*nonce) || !nonce->starts_with(nonce_) || nonce->size() == nonce_.size()) {
        return fault("the server's SCRAM nonce does not begin with ours and add its own");
    }
    const auto salt = from_base64(*salt_text);
    if (!salt || salt->empty()) return fault("the server's SCRAM salt is malformed");
    int iterations = 0;
    const char* const end = iterations_text->data() + iterations_text->size();
    const auto [stop, wrong] = std::from_chars(iterations_text->data(), end, iterations);
    if (wrong != std::errc{} || stop != end || iterations < 1) {
        return fault("the server's SCRAM iteration count is malformed");
    }

    if (!keys_ || keys_->salt != *salt || keys_->iterations != iterations) {
        if (!password_) {
            return fault(
                "the stored SCRAM verifier is not the one that the server has: the password was "
                "changed; update the "
                "stored secret"
            );
        }
        if (iterations > scram_iterations_max) {
            return fault(
                "the server asks for " + std::to_string(iterations) +
                " SCRAM iterations, more than the " + std::to_string(scram_iterations_max) +
                " that are allowed; lower scram_iterations and set the password again"
            );
        }
        keys_ = scram_keys(*password_, *salt, iterations);
    }

    const std::string without_proof = "c=" + to_base64(gs2_header) + ",r=" + std::string{*nonce};
    auth_message_ = bare_first(nonce_) + ',' + std::string{message} + ',' + without_proof;
    return without_proof + ",p=" + to_base64(scram_client_proof(keys_->client_key, auth_message_));
}

tl::expected<void, std::string> ScramClient::check(std::string_view message) const {
    CHECK(!auth_message_.empty());
    std::string_view rest = message;
    if (const auto error = take_scram_attribute(rest, 'e')) {
        return fault("the server ended the SCRAM exchange with \"" + std::string{*error} + '"');
    }
    const auto signature_text = take_scram_attribute(rest, 'v');
    const auto signature = from_base64(signature_text.value_or(""));
    if (!signature_text || !signature)
        return fault("the server's final SCRAM message is malformed");
    if (!equal_in_constant_time(
            *signature, scram_server_signature(keys_->server_key, auth_message_)
        )) {
        return fault("the server's SCRAM signature is wrong: it does not know this user's verifier"
        );
    }
    return {};
}

ScramKeys ScramClient::take_keys() {
    CHECK(!auth_message_.empty());
    return std::move(*keys_);
}

}  // namespace penstock::wire
