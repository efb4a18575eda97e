#include "dataplane/session/client_login.hpp"

#include "crds/api/check.hpp"
#include "dataplane/wire/authentication.hpp"
#include "dataplane/wire/digest.hpp"
#include "dataplane/wire/error_response.hpp"
#include "dataplane/wire/frame.hpp"
#include "dataplane/wire/md5.hpp"

#include <algorithm>
#include <vector>

namespace penstock::session {
namespace {

using wire::Authentication;
using wire::SecretKind;
using wire::StartupKind;
namespace sql_state = wire::sql_state;

// An md5 answer has 36 bytes, a SCRAM message some 200; PostgreSQL takes up to 1024 for SASL.
constexpr std::size_t password_message_body_max = 4096;

// A TLS alert record, fatal, handshake_failure: the only refusal that a client which has begun TLS
// understands.
constexpr std::string_view tls_alert{"\x15\x03\x01\x00\x02\x02\x28", 7};

constexpr std::string_view protocol_option_prefix = "_pq_.";

template <std::size_t Size>
std::string_view view(const std::array<char, Size>& bytes) {
    return {bytes.data(), bytes.size()};
}

// PostgreSQL's booleans, and "database". Nothing for any other text.
std::optional<Replication> read_replication(std::string_view value) {
    std::string lower{value};
    std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    // PostgreSQL compares this one word exactly.
    if (value == "database") return Replication::Database;
    // Each word may be cut short as long as it stays unambiguous: "o" is neither on nor off.
    const auto is = [&lower](std::string_view word, std::size_t shortest) {
        return lower.size() >= shortest && word.starts_with(lower);
    };
    if (is("true", 1) || is("yes", 1) || is("on", 2) || lower == "1") return Replication::Physical;
    if (is("false", 1) || is("no", 1) || is("off", 2) || lower == "0") return Replication::None;
    return std::nullopt;
}

}  // namespace

ClientLogin::ClientLogin(
    const ClientLoginSettings& settings,
    const wire::UserTable& users,
    const ClientLoginRandom& random
)
    : settings_(settings), users_(users), random_(random) {}

ClientLoginStep ClientLogin::feed(std::string_view in, std::string& out, std::size_t& consumed) {
    CHECK(state_ != State::TlsHandshake && state_ != State::DerivingKeys && state_ != State::Done);
    consumed = 0;
    while (true) {
        const std::size_t before = consumed;
        const std::string_view rest = in.substr(consumed);
        const Step step = state_ == State::Startup ? startup_packet(rest, out, consumed)
                                                   : password_message(rest, out, consumed);
        if (step != Step::NeedMore || consumed == before) return step;
    }
}

void ClientLogin::tls_established() {
    CHECK(state_ == State::TlsHandshake);
    is_encrypted_ = true;
    state_ = State::Startup;
}

ClientLoginStep ClientLogin::startup_packet(
    std::string_view in, std::string& out, std::size_t& consumed
) {
    const wire::StartupPacket packet = wire::read_startup(in);
    consumed += packet.size;
    switch (packet.kind) {
        case StartupKind::NeedMore:
            return Step::NeedMore;
        case StartupKind::Fault:
            if (packet.fault.empty()) {
                state_ = State::Done;
                return Step::Close;
            }
            return refuse(out, packet.sql_state, packet.fault);
        case StartupKind::DirectTls:
            return direct_tls(out);
        case StartupKind::SSLRequest:
        case StartupKind::GSSENCRequest:
            return encryption_request(packet.kind, in.size() == packet.size, out);
        case StartupKind::CancelRequest:
            cancel_request_ = {packet.process_id, std::string{packet.cancel_key}};
            state_ = State::Done;
            return Step::Cancel;
        case StartupKind::StartupMessage:
            return startup_message(packet, out);
    }
    return Step::Close;
}

ClientLoginStep ClientLogin::direct_tls(std::string& out) {
    if (asked_ssl_ || asked_gssenc_ || is_encrypted_) {
        // To PostgreSQL it is then a packet of impossible length.
        state_ = State::Done;
        return Step::Close;
    }
    if (settings_.tls == ClientTls::Disable) {
        out.append(tls_alert);
        state_ = State::Done;
        return Step::Close;
    }
    is_direct_tls_ = true;
    state_ = State::TlsHandshake;
    return Step::StartTls;
}

ClientLoginStep ClientLogin::encryption_request(
    wire::StartupKind kind, bool is_last, std::string& out
) {
    const bool is_ssl = kind == StartupKind::SSLRequest;
    bool& asked = is_ssl ? asked_ssl_ : asked_gssenc_;
    if (asked || is_encrypted_) {
        // To PostgreSQL it is then a StartupMessage of an unknown protocol.
        return refuse(
            out,
            sql_state::feature_not_supported,
            is_ssl ? "unsupported frontend protocol 1234.5679: server supports 3.0 to 3.0"
                   : "unsupported frontend protocol 1234.5680: server supports 3.0 to 3.0"
        );
    }
    asked = true;
    if (!is_last) {
        return refuse(
            out,
            sql_state::protocol_violation,
            is_ssl ? "received unencrypted data after SSL request"
                   : "received unencrypted data after GSSAPI encryption request",
            "This could be either a client-software bug or evidence of an attempted "
            "man-in-the-middle attack."
        );
    }
    if (!is_ssl || settings_.tls == ClientTls::Disable) {
        out.push_back('N');
        return Step::NeedMore;
    }
    out.push_back('S');
    state_ = State::TlsHandshake;
    return Step::StartTls;
}

ClientLoginStep ClientLogin::startup_message(const wire::StartupPacket& packet, std::string& out) {
    std::vector<std::string_view> unknown_options;
    std::optional<Replication> replication = Replication::None;
    std::string_view replication_text;
    for (const auto& [name, value] : packet.parameters) {
        if (name == "user") {
            request_.user = value;
        } else if (name == "database") {
            request_.database = value;
        } else if (name == "replication") {
            replication = read_replication(value);
            replication_text = value;
        } else if (name.starts_with(protocol_option_prefix)) {
            unknown_options.push_back(name);
        } else {
            request_.parameters.emplace_back(name, value);
        }
    }
    if (request_.database.empty()) request_.database = request_.user;
    // As PostgreSQL cuts them, so that the proxy finds what PostgreSQL would find.
    if (request_.user.size() > wire::name_bytes_max) request_.user.resize(wire::name_bytes_max);
    if (request_.database.size() > wire::name_bytes_max)
        request_.database.resize(wire::name_bytes_max);

    if (settings_.tls == ClientTls::Require && !is_encrypted_) {
        return refuse(
            out,
            sql_state::invalid_authorization_specification,
            "connection refused for user \"" + request_.user + "\", database \"" +
                request_.database + "\", no encryption",
            {},
            "This pool takes encrypted connections only: use sslmode=require or stronger."
        );
    }
    if (!replication) {
        return refuse(
            out,
            sql_state::invalid_parameter_value,
            "invalid value for parameter \"replication\": \"" + std::string{replication_text} +
                "\"",
            {},
            "Valid values are: \"false\", 0, \"true\", 1, \"database\"."
        );
    }
    request_.replication = *replication;
    request_.protocol_minor = std::min(packet.protocol_minor, wire::protocol_minor_max);
    if (request_.protocol_minor != packet.protocol_minor || !unknown_options.empty()) {
        wire::write_negotiate_protocol_version(out, request_.protocol_minor, unknown_options);
    }
    if (request_.user.empty()) {
        return refuse(
            out,
            sql_state::invalid_authorization_specification,
            "no PostgreSQL user name specified in startup packet"
        );
    }
    return begin_authentication(out);
}

ClientLoginStep ClientLogin::begin_authentication(std::string& out) {
    const wire::Secret* const secret = users_.find(request_.user);
    switch (settings_.authentication) {
        case ClientAuthentication::Trust:
            if (users_.is_empty() || secret != nullptr) return authenticated(out);
            return refuse(
                out,
                sql_state::invalid_authorization_specification,
                "role \"" + request_.user + "\" does not exist"
            );
        case ClientAuthentication::ScramSha256:
            return begin_scram(secret, out);
        case ClientAuthentication::Md5:
            break;
    }
    // An md5 answer cannot be checked against a SCRAM verifier. Users who cannot log in at all are
    // asked as those who can.
    const bool has_password = secret != nullptr && secret->kind != SecretKind::Empty;
    if (has_password ? secret->kind == SecretKind::ScramVerifier : users_.has_scram_verifiers()) {
        return begin_scram(secret, out);
    }
    if (has_password) {
        const std::string md5 = secret->kind == SecretKind::Md5
                                    ? secret->text
                                    : wire::md5_secret(secret->text, request_.user);
        expected_md5_ = wire::md5_response(md5, view(random_.md5_salt));
    }
    wire::write_authentication(out, Authentication::MD5Password, view(random_.md5_salt));
    state_ = State::Md5Password;
    return Step::NeedMore;
}

ClientLoginStep ClientLogin::begin_scram(const wire::Secret* secret, std::string& out) {
    const SecretKind kind = secret == nullptr ? SecretKind::Empty : secret->kind;
    keys_are_servers_ = kind == SecretKind::ScramVerifier;
    wire::ScramVerifier verifier;
    if (kind == SecretKind::Empty || kind == SecretKind::Md5) {
        verifier = wire::mock_scram_verifier(
            settings_.mock_secret, request_.user, settings_.scram_iterations
        );
    } else if (secret->verifier) {
        verifier = *secret->verifier;
    } else {
        derived_ = secret->derived;
        if (derived_ == nullptr) {
            derived_ = std::make_shared<const wire::DerivedVerifier>(
                secret->text,
                wire::scram_salt(settings_.mock_secret, request_.user),
                settings_.scram_iterations
            );
        }
        // The rest is needed for the client's last message only.
        verifier.salt = derived_->salt();
        verifier.iterations = derived_->iterations();
    }
    scram_.emplace(std::move(verifier), wire::to_base64(view(random_.nonce)));
    wire::write_authentication_sasl(out);
    state_ = State::SaslInitial;
    return Step::NeedMore;
}

ClientLoginStep ClientLogin::password_message(
    std::string_view in, std::string& out, std::size_t& consumed
) {
    if (in.empty()) return Step::NeedMore;
    // A client that asks its user for the password leaves with Terminate.
    if (in.front() == static_cast<char>(wire::Frontend::Terminate)) {
        state_ = State::Done;
        return Step::Close;
    }
    if (in.front() != static_cast<char>(wire::Frontend::Password)) {
        return refuse(
            out,
            sql_state::protocol_violation,
            std::string{"expected "} + (state_ == State::Md5Password ? "password" : "SASL") +
                " response, got message type " +
                std::to_string(static_cast<unsigned char>(in.front()))
        );
    }
    wire::Frame frame;
    switch (wire::FrameCursor(in, password_message_body_max).next(frame)) {
        case wire::FrameResult::NeedHeader:
        case wire::FrameResult::Partial:
            return Step::NeedMore;
        case wire::FrameResult::BadLength:
            state_ = State::Done;  // PostgreSQL closes without a word
            return Step::Close;
        case wire::FrameResult::Whole:
            break;
    }
    consumed += frame.all.size();
    if (state_ == State::Md5Password) return md5_password(frame.body, out);
    if (state_ == State::SaslInitial) return sasl_initial(frame.body, out);
    if (state_ == State::SaslFirst) return sasl_first(frame.body, out);
    return sasl_final(frame.body, out);
}

ClientLoginStep ClientLogin::md5_password(std::string_view body, std::string& out) {
    if (body.empty() || body.find('\0') != body.size() - 1) {
        return refuse(out, sql_state::protocol_violation, "invalid password packet size");
    }
    body.remove_suffix(1);
    if (expected_md5_.empty() || !wire::equal_in_constant_time(body, expected_md5_)) {
        return wrong_password(out);
    }
    return authenticated(out);
}

ClientLoginStep ClientLogin::sasl_initial(std::string_view body, std::string& out) {
    wire::ByteReader reader(body);
    const std::string_view mechanism = reader.c_string();
    const std::uint32_t length = reader.u32();
    const std::string_view response = reader.rest();
    constexpr std::uint32_t no_response = 0xffffffff;
    if (!reader.ok() || response.size() != (length == no_response ? 0 : length)) {
        return refuse(out, sql_state::protocol_violation, "malformed SASLInitialResponse message");
    }
    if (mechanism != wire::scram_sha_256) {
        return refuse(
            out,
            sql_state::protocol_violation,
            "client selected an invalid SASL authentication mechanism"
        );
    }
    if (length != no_response) return sasl_first(response, out);
    wire::write_authentication(out, Authentication::SASLContinue);
    state_ = State::SaslFirst;
    return Step::NeedMore;
}

ClientLoginStep ClientLogin::sasl_first(std::string_view text, std::string& out) {
    const auto answer = scram_->first(text);
    if (!answer) return scram_fault(answer.error(), out);
    wire::write_authentication(out, Authentication::SASLContinue, *answer);
    state_ = State::SaslFinal;
    return Step::NeedMore;
}

ClientLoginStep ClientLogin::sasl_final(std::string_view text, std::string& out) {
    if (derived_ != nullptr) {
        const wire::ScramVerifier* const made = derived_->ready();
        if (made == nullptr) {
            final_message_ = text;
            state_ = State::DerivingKeys;
            return Step::DeriveKeys;
        }
        scram_->set_keys(*made);
    }
    const auto answer = scram_->final(text);
    if (!answer) return scram_fault(answer.error(), out);
    wire::write_authentication(out, Authentication::SASLFinal, *answer);
    if (keys_are_servers_) request_.scram_keys = scram_->take_keys();
    return authenticated(out);
}

ClientLoginStep ClientLogin::keys_derived(std::string& out) {
    CHECK(state_ == State::DerivingKeys && derived_->ready() != nullptr);
    state_ = State::SaslFinal;
    return sasl_final(final_message_, out);
}

ClientLoginStep ClientLogin::scram_fault(const wire::ScramFault& fault, std::string& out) {
    switch (fault.kind) {
        case wire::ScramFault::Kind::WrongPassword:
            return wrong_password(out);
        case wire::ScramFault::Kind::NotSupported:
            return refuse(
                out, sql_state::feature_not_supported, "unsupported SCRAM message", fault.text
            );
        case wire::ScramFault::Kind::Malformed:
            break;
    }
    return refuse(out, sql_state::protocol_violation, "malformed SCRAM message", fault.text);
}

ClientLoginStep ClientLogin::wrong_password(std::string& out) {
    return refuse(
        out,
        sql_state::invalid_password,
        "password authentication failed for user \"" + request_.user + "\""
    );
}

ClientLoginStep ClientLogin::authenticated(std::string& out) {
    wire::write_authentication(out, Authentication::Ok);
    state_ = State::Done;
    return Step::Authenticated;
}

ClientLoginStep ClientLogin::refuse(
    std::string& out,
    std::string_view sql_state,
    std::string_view message,
    std::string_view detail,
    std::string_view hint
) {
    wire::write_error(
        out,
        {.severity = wire::Severity::Fatal,
         .sql_state = sql_state,
         .message = message,
         .detail = detail,
         .hint = hint}
    );
    state_ = State::Done;
    return Step::Close;
}

}  // namespace penstock::session
