#include "dataplane/wire/scram_server.hpp"

#include "crds/api/check.hpp"
#include "dataplane/wire/digest.hpp"

namespace penstock::wire {
namespace {

using Kind = ScramFault::Kind;

tl::unexpected<ScramFault> fault(Kind kind, const char* text) {
    return tl::unexpected<ScramFault>({kind, text});
}

}  // namespace

ScramServer::ScramServer(ScramVerifier verifier, std::string_view nonce)
    : verifier_{std::move(verifier)}, nonce_{nonce} {
    CHECK(is_scram_nonce(nonce));
}

tl::expected<std::string, ScramFault> ScramServer::first(std::string_view message) {
    CHECK(auth_message_.empty());
    if (message.find('\0') != std::string_view::npos) {
        return fault(Kind::Malformed, "The SCRAM message holds a zero byte.");
    }
    if (message.starts_with('p')) {
        return fault(
            Kind::Malformed,
            "The client selected SCRAM-SHA-256 without channel binding, but the SCRAM message "
            "includes channel "
            "binding data."
        );
    }
    if (!message.starts_with("n,") && !message.starts_with("y,")) {
        return fault(Kind::Malformed, "Unexpected channel-binding flag.");
    }
    if (message.substr(2).starts_with("a=")) {
        return fault(
            Kind::NotSupported, "The client uses authorization identity, but it is not supported."
        );
    }
    if (!message.substr(2).starts_with(',')) return fault(Kind::Malformed, "Comma expected.");

    const std::string_view bare = message.substr(3);
    if (bare.starts_with("m=")) {
        return fault(Kind::NotSupported, "The client requires an unsupported SCRAM extension.");
    }
    // The user is the StartupMessage's; PostgreSQL ignores this one too, and its own clients leave
    // it empty.
    std::string_view rest = bare;
    if (!take_scram_attribute(rest, 'n'))
        return fault(Kind::Malformed, "Attribute \"n\" expected.");
    const auto client_nonce = take_scram_attribute(rest, 'r');
    if (!client_nonce) return fault(Kind::Malformed, "Attribute \"r\" expected.");
    if (!is_scram_nonce(*client_nonce)) {
        return fault(Kind::Malformed, "The SCRAM nonce is empty or has non-printable characters.");
    }

    channel_binding_ = to_base64(message.substr(0, 3));
    nonce_.insert(0, *client_nonce);
    const std::string answer = "r=" + nonce_ + ",s=" + to_base64(verifier_.salt) +
                               ",i=" + std::to_string(verifier_.iterations);
    auth_message_ = std::string{bare} + ',' + answer + ',';
    return answer;
}

void ScramServer::set_keys(const ScramVerifier& verifier) {
    CHECK(verifier.salt == verifier_.salt && verifier.iterations == verifier_.iterations);
    verifier_ = verifier;
}

tl::expected<std::string, ScramFault> ScramServer::final(std::string_view message) {
    CHECK(!auth_message_.empty());
    std::string_view rest = message;
    const auto channel_binding = take_scram_attribute(rest, 'c');
    if (!channel_binding) return fault(Kind::Malformed, "Attribute \"c\" expected.");
    if (*channel_binding != channel_binding_) {
        return fault(
            Kind::Malformed, "Unexpected SCRAM channel-binding attribute in client-final-message."
        );
    }
    const auto nonce = take_scram_attribute(rest, 'r');
    if (!nonce) return fault(Kind::Malformed, "Attribute \"r\" expected.");
    if (*nonce != nonce_) return fault(Kind::Malformed, "Nonce does not match.");

    // The proof is the last attribute; extensions that are not mandatory may stand before it.
    const std::size_t proof_at = message.rfind(",p=");
    if (proof_at == std::string_view::npos)
        return fault(Kind::Malformed, "Attribute \"p\" expected.");
    const auto proof = from_base64(message.substr(proof_at + 3));
    if (!proof || proof->size() != sha_256_bytes) {
        return fault(Kind::Malformed, "Malformed proof in client-final-message.");
    }

    auth_message_ += message.substr(0, proof_at);
    std::string client_key = scram_client_key(verifier_.stored_key, auth_message_, *proof);
    if (!equal_in_constant_time(sha_256(client_key), verifier_.stored_key)) {
        return fault(Kind::WrongPassword, "The proof is not this password's.");
    }
    client_key_ = std::move(client_key);
    return "v=" + to_base64(scram_server_signature(verifier_.server_key, auth_message_));
}

ScramKeys ScramServer::take_keys() {
    CHECK(!client_key_.empty());
    return {
        .iterations = verifier_.iterations,
        .salt = std::move(verifier_.salt),
        .client_key = std::move(client_key_),
        .server_key = std::move(verifier_.server_key),
    };
}

}  // namespace penstock::wire
