#include "dataplane/session/server_login.hpp"

#include "crds/api/check.hpp"
#include "dataplane/wire/authentication.hpp"
#include "dataplane/wire/bytes.hpp"
#include "dataplane/wire/digest.hpp"
#include "dataplane/wire/error_response.hpp"
#include "dataplane/wire/frame.hpp"
#include "dataplane/wire/md5.hpp"
#include "dataplane/wire/message_type.hpp"

namespace penstock::session {
namespace {

using wire::Authentication;
using wire::Backend;
using wire::SecretKind;
namespace sql_state = wire::sql_state;

constexpr std::size_t body_max = 16 * 1024;
// An error's text may quote what was sent; it is kept only as far as it is shown.
constexpr std::size_t error_body_max = 64 * 1024;
// PostgreSQL reports some 15 parameters of a few bytes.
constexpr std::size_t parameter_bytes_max = 64 * 1024;

constexpr std::string_view application_name = "application_name";

std::size_t body_max_of(char type) {
    const auto backend = static_cast<Backend>(type);
    return backend == Backend::ErrorResponse || backend == Backend::NoticeResponse ? error_body_max
                                                                                   : body_max;
}

// A byte for people: 'X', or its number if it does not print.
std::string shown(char byte) {
    if (byte > ' ' && byte <= '~') return {'\'', byte, '\''};
    return "byte " + std::to_string(static_cast<unsigned char>(byte));
}

}  // namespace

ServerLogin::ServerLogin(
    ServerLoginSettings settings, ServerLoginSecret secret, const ServerLoginNonce& nonce
)
    : settings_(std::move(settings)), nonce_(nonce), secret_(std::move(secret)) {
    result_.protocol_minor = settings_.protocol_minor;
}

void ServerLogin::start(std::string& out) {
    if (settings_.tls == ServerTls::Disable) return write_startup(out);
    wire::write_ssl_request(out);
    state_ = State::SslAnswer;
}

void ServerLogin::tls_established(std::string& out) {
    CHECK(state_ == State::TlsHandshake);
    write_startup(out);
}

void ServerLogin::write_startup(std::string& out) {
    wire::Parameters all{{"user", settings_.user}, {"database", settings_.database}};
    for (const auto& parameter : settings_.parameters) {
        const bool is_replaced =
            parameter.first == application_name && !settings_.application_name.empty();
        if (!is_replaced) all.push_back(parameter);
    }
    if (!settings_.application_name.empty()) {
        all.emplace_back(application_name, settings_.application_name);
    }
    wire::write_startup_message(out, settings_.protocol_minor, all);
    state_ = State::Authentication;
}

ServerLoginStep ServerLogin::feed(std::string_view in, std::string& out, std::size_t& consumed) {
    CHECK(state_ != State::TlsHandshake && state_ != State::Done);
    consumed = 0;
    if (state_ == State::SslAnswer) return ssl_answer(in, out, consumed);
    while (consumed < in.size()) {
        const std::string_view rest = in.substr(consumed);
        wire::Frame frame;
        switch (wire::FrameCursor(rest, body_max_of(rest.front())).next(frame)) {
            case wire::FrameResult::NeedHeader:
            case wire::FrameResult::Partial:
                return Step::NeedMore;
            case wire::FrameResult::BadLength:
                return fail(
                    sql_state::protocol_violation,
                    "the server sent a message of type " + shown(rest.front()) +
                        " with an impossible length: it may not be PostgreSQL"
                );
            case wire::FrameResult::Whole:
                break;
        }
        consumed += frame.all.size();
        const Step step = message(frame.type, frame.body, out);
        if (step != Step::NeedMore) return step;
    }
    return Step::NeedMore;
}

ServerLoginStep ServerLogin::ssl_answer(
    std::string_view in, std::string& out, std::size_t& consumed
) {
    if (in.empty()) return Step::NeedMore;
    const char answer = in.front();
    if (answer == static_cast<char>(Backend::ErrorResponse)) {
        // Its text came without encryption, from anyone: it is not shown as the server's.
        return fail(
            sql_state::connection_failure,
            "the server answered SSLRequest with an error: see the server's log"
        );
    }
    if (answer != 'S' && answer != 'N') {
        return fail(
            sql_state::protocol_violation,
            "the server answered SSLRequest with " + shown(answer) + ": it may not be PostgreSQL"
        );
    }
    if (in.size() > 1) {
        return fail(
            sql_state::protocol_violation,
            "the server sent unencrypted data behind its answer to SSLRequest: a fault of the "
            "server or an attempted man-in-the-middle attack"
        );
    }
    consumed = 1;
    if (answer == 'S') {
        state_ = State::TlsHandshake;
        return Step::StartTls;
    }
    if (settings_.tls == ServerTls::Require) {
        return fail(
            sql_state::connection_failure,
            "the server does not offer TLS and this pool requires it: set ssl = on in "
            "postgresql.conf, or let the pool's server TLS mode be Prefer or Disable"
        );
    }
    write_startup(out);
    return Step::NeedMore;
}

ServerLoginStep ServerLogin::message(char type, std::string_view body, std::string& out) {
    const bool is_settling = state_ == State::Settling;
    switch (static_cast<Backend>(type)) {
        case Backend::ErrorResponse:
            return servers_error(body);
        case Backend::NoticeResponse:
            return Step::NeedMore;
        case Backend::NegotiateProtocolVersion:
            if (state_ == State::Authentication) return negotiated(body);
            break;
        case Backend::Authentication:
            if (!is_settling) return authentication(body, out);
            break;
        case Backend::ParameterStatus:
            if (is_settling) return parameter_status(body);
            break;
        case Backend::BackendKeyData:
            if (is_settling) return key_data(body);
            break;
        case Backend::ReadyForQuery:
            if (is_settling) return ready_for_query(body);
            break;
        default:
            break;
    }
    return fail(
        sql_state::protocol_violation,
        "the server sent an unexpected message of type " + shown(type) +
            (is_settling ? " after authentication" : " during authentication")
    );
}

ServerLoginStep ServerLogin::negotiated(std::string_view body) {
    wire::ByteReader reader(body);
    const std::uint32_t version = reader.u32();
    const std::uint32_t unknown_options = reader.u32();
    const std::uint32_t minor = version & 0xffffU;
    const std::uint32_t major = version >> 16U;
    // We ask for no options, so that a lower minor version is all that a server can have to say.
    // Servers send the minor version alone, as the manual has it, or behind the major one.
    const bool is_lower =
        (major == wire::protocol_major || major == 0) && minor < result_.protocol_minor;
    if (!reader.at_end() || unknown_options != 0 || !is_lower) {
        return malformed("NegotiateProtocolVersion");
    }
    result_.protocol_minor = minor;
    return Step::NeedMore;
}

ServerLoginStep ServerLogin::authentication(std::string_view body, std::string& out) {
    wire::ByteReader reader(body);
    const std::uint32_t kind = reader.u32();
    const std::string_view content = reader.rest();
    if (!reader.ok()) return malformed("Authentication");
    const bool is_first = state_ == State::Authentication;
    switch (static_cast<Authentication>(kind)) {
        case Authentication::Ok:
            return authentication_ok();
        case Authentication::CleartextPassword:
            if (is_first) return cleartext_password(out);
            break;
        case Authentication::MD5Password:
            if (is_first) return md5_password(content, out);
            break;
        case Authentication::SASL:
            if (is_first) return sasl(content, out);
            break;
        case Authentication::SASLContinue:
            if (state_ == State::SaslContinue) return sasl_continue(content, out);
            break;
        case Authentication::SASLFinal:
            if (state_ == State::SaslFinal) return sasl_final(content);
            break;
        default:
            return fail(
                sql_state::feature_not_supported,
                "the server asks for authentication method " + std::to_string(kind) +
                    ", which is not supported: let pg_hba.conf ask this proxy for scram-sha-256"
            );
    }
    return fail(
        sql_state::protocol_violation,
        "the server sent authentication message " + std::to_string(kind) + " out of order"
    );
}

ServerLoginStep ServerLogin::authentication_ok() {
    // A server that began SCRAM and breaks off has not proved that it knows the password.
    if (state_ == State::SaslContinue || state_ == State::SaslFinal) {
        return fail(
            sql_state::protocol_violation,
            "the server did not complete the SCRAM exchange: it has not proved who it is"
        );
    }
    state_ = State::Settling;
    return Step::NeedMore;
}

ServerLoginStep ServerLogin::cleartext_password(std::string& out) {
    if (secret_.secret.kind != SecretKind::Plain) {
        return fail(
            sql_state::invalid_password,
            "the server asks for the password of user \"" + settings_.user +
                "\" in clear text, and the password itself is not stored: store it, or let "
                "pg_hba.conf ask for scram-sha-256"
        );
    }
    wire::write_password_message(out, secret_.secret.text);
    state_ = State::Answered;
    return Step::NeedMore;
}

ServerLoginStep ServerLogin::md5_password(std::string_view salt, std::string& out) {
    if (salt.size() != 4) return malformed("AuthenticationMD5Password");
    const wire::Secret& secret = secret_.secret;
    if (secret.kind != SecretKind::Plain && secret.kind != SecretKind::Md5) {
        return fail(
            sql_state::invalid_password,
            "the server asks for md5 authentication of user \"" + settings_.user +
                "\", and neither the password nor its md5 hash is stored: store one of them"
        );
    }
    const std::string md5 = secret.kind == SecretKind::Md5
                                ? secret.text
                                : wire::md5_secret(secret.text, settings_.user);
    const std::string response = wire::md5_response(md5, salt);
    if (response.empty()) {
        return fail(
            sql_state::feature_not_supported,
            "the server asks for md5 authentication, and OpenSSL refuses MD5 here (FIPS mode): set "
            "the password anew with password_encryption = 'scram-sha-256'"
        );
    }
    wire::write_password_message(out, response);
    state_ = State::Answered;
    return Step::NeedMore;
}

ServerLoginStep ServerLogin::sasl(std::string_view mechanisms, std::string& out) {
    bool is_offered = false;
    wire::ByteReader reader(mechanisms);
    while (true) {
        const std::string_view mechanism = reader.c_string();
        if (mechanism.empty()) break;
        is_offered = is_offered || mechanism == wire::scram_sha_256;
    }
    if (!reader.at_end()) return malformed("AuthenticationSASL");
    if (!is_offered) {
        return fail(
            sql_state::feature_not_supported,
            "the server offers no SASL mechanism that is supported: SCRAM-SHA-256 is"
        );
    }
    const SecretKind kind = secret_.secret.kind;
    if (kind != SecretKind::Plain && !secret_.scram_keys) {
        const std::string what = kind == SecretKind::Md5 ? "only an md5 hash is stored"
                                 : kind == SecretKind::Empty
                                     ? "no secret is stored"
                                     : "only a SCRAM verifier is stored, "
                                       "and no client has logged in with it "
                                       "by SCRAM yet";
        return fail(
            sql_state::invalid_password,
            "the server asks for SCRAM-SHA-256 of user \"" + settings_.user + "\", and " + what +
                ": store the password, or the server's own SCRAM verifier and let clients log in "
                "by "
                "SCRAM"
        );
    }
    std::optional<std::string> password;
    if (kind == SecretKind::Plain) password = secret_.secret.text;
    scram_.emplace(
        std::move(password),
        std::move(secret_.scram_keys),
        wire::to_base64({nonce_.data(), nonce_.size()})
    );
    wire::write_sasl_initial_response(out, wire::scram_sha_256, scram_->first());
    state_ = State::SaslContinue;
    return Step::NeedMore;
}

ServerLoginStep ServerLogin::sasl_continue(std::string_view text, std::string& out) {
    const auto answer = scram_->final(text);
    if (!answer) {
        return fail(
            sql_state::invalid_password,
            "SCRAM login of user \"" + settings_.user + "\" failed: " + answer.error()
        );
    }
    wire::write_sasl_response(out, *answer);
    state_ = State::SaslFinal;
    return Step::NeedMore;
}

ServerLoginStep ServerLogin::sasl_final(std::string_view text) {
    const auto proved = scram_->check(text);
    if (!proved) {
        return fail(
            sql_state::invalid_password,
            "SCRAM login of user \"" + settings_.user + "\" failed: " + proved.error()
        );
    }
    result_.scram_keys = scram_->take_keys();
    state_ = State::Answered;
    return Step::NeedMore;
}

ServerLoginStep ServerLogin::parameter_status(std::string_view body) {
    wire::ByteReader reader(body);
    const std::string_view name = reader.c_string();
    const std::string_view value = reader.c_string();
    if (!reader.at_end() || name.empty()) return malformed("ParameterStatus");
    parameter_bytes_ += body.size();
    if (parameter_bytes_ > parameter_bytes_max) {
        return fail(
            sql_state::protocol_violation,
            "the server reports parameters of more than " + std::to_string(parameter_bytes_max) +
                " bytes: it may not be PostgreSQL"
        );
    }
    result_.parameters.emplace_back(name, value);
    return Step::NeedMore;
}

ServerLoginStep ServerLogin::key_data(std::string_view body) {
    wire::ByteReader reader(body);
    result_.process_id = reader.u32();
    const std::string_view key = reader.rest();
    if (!reader.ok() || key.size() < wire::cancel_key_bytes_min ||
        key.size() > wire::cancel_key_bytes_max) {
        return malformed("BackendKeyData");
    }
    result_.cancel_key = key;
    return Step::NeedMore;
}

ServerLoginStep ServerLogin::ready_for_query(std::string_view body) {
    if (body.size() != 1 || body.front() != static_cast<char>(wire::TransactionStatus::Idle)) {
        return malformed("ReadyForQuery");
    }
    state_ = State::Done;
    return Step::Ready;
}

ServerLoginStep ServerLogin::servers_error(std::string_view body) {
    const wire::ErrorFields fields = wire::read_error(body);
    failure_.is_servers = true;
    failure_.severity = fields.severity.empty() ? "FATAL" : fields.severity;
    failure_.sql_state =
        fields.sql_state.empty() ? sql_state::connection_exception : fields.sql_state;
    failure_.message = fields.message.empty() ? "the server refused the login and did not say why"
                                              : fields.message;
    state_ = State::Done;
    return Step::Failed;
}

ServerLoginStep ServerLogin::fail(std::string_view sql_state, std::string_view text) {
    failure_ = {false, "FATAL", std::string{sql_state}, std::string{text}};
    state_ = State::Done;
    return Step::Failed;
}

ServerLoginStep ServerLogin::malformed(std::string_view message_name) {
    return fail(
        sql_state::protocol_violation,
        "the server sent a malformed " + std::string{message_name} + ": it may not be PostgreSQL"
    );
}

}  // namespace penstock::session
