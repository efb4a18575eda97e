// The login of one freshly connected server link: from our first byte to the server's first
// ReadyForQuery. Bytes in, bytes and a step out; the caller moves them and does what the step says.
// Owned by the server link until the login ends (then take_result() and drop it); its worker's
// thread only.
#pragma once

#include "dataplane/wire/scram.hpp"
#include "dataplane/wire/scram_client.hpp"
#include "dataplane/wire/startup.hpp"
#include "dataplane/wire/userlist.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace penstock::session {

// How the server's certificate is checked is the shell's.
enum class ServerTls : std::uint8_t { Disable, Prefer, Require };

struct ServerLoginSettings {
    std::string user;
    std::string database;
    wire::Parameters parameters;   // of the StartupMessage, besides user and database
    std::string application_name;  // instead of the one in `parameters`, unless empty
    ServerTls tls = ServerTls::Disable;
    std::uint32_t protocol_minor = 0;  // asked for; the server may answer with a lower one
};

// What may prove who we are: a secret as it is stored, keys of an earlier SCRAM login, or both.
struct ServerLoginSecret {
    wire::Secret secret;
    std::optional<wire::ScramKeys> scram_keys;
};

// Fresh from a cryptographic source for each login.
using ServerLoginNonce = std::array<char, 18>;

enum class ServerLoginStep : std::uint8_t {
    NeedMore,  // send what is in `out`, read on
    StartTls,  // begin TLS as the client, then call tls_established()
    Ready,     // take_result() and go on: the server is idle
    Failed,    // see failure(); the link closes
};

struct ServerLoginResult {
    wire::Parameters parameters;  // ParameterStatus, in the server's order
    std::uint32_t process_id = 0;
    std::string cancel_key;  // empty if the server sent none: it cannot be cancelled
    std::uint32_t protocol_minor = 0;
    // For the next login of this user: it then costs no key derivation. There after SCRAM.
    std::optional<wire::ScramKeys> scram_keys;
};

struct ServerLoginFailure {
    bool is_servers = false;  // an ErrorResponse of the server's; else our own words
    std::string severity;     // FATAL
    std::string sql_state;
    std::string message;
};

class ServerLogin {
 public:
    ServerLogin(
        ServerLoginSettings settings, ServerLoginSecret secret, const ServerLoginNonce& nonce
    );

    // Our first bytes. Requires: called once, before feed().
    void start(std::string& out);
    // `in`: all bytes that have arrived and were not consumed. Sets `consumed` to how many of them
    // are done with; the rest must be there again in front of what arrives next. Appends to `out`.
    // Requires: no step but NeedMore was returned before, except StartTls with tls_established()
    // after it.
    // SCRAM with a plain password and no fitting keys costs 1 to 2 ms here at 4096 iterations.
    ServerLoginStep feed(std::string_view in, std::string& out, std::size_t& consumed);
    // The TLS handshake that StartTls asked for has ended well: appends what comes next to `out`.
    void tls_established(std::string& out);

    // After Failed.
    const ServerLoginFailure& failure() const { return failure_; }
    // After Ready.
    ServerLoginResult take_result() { return std::move(result_); }

 private:
    enum class State : std::uint8_t {
        SslAnswer,       // SSLRequest was sent
        TlsHandshake,    // waits for tls_established()
        Authentication,  // nothing is asked or answered yet
        Answered,        // a password was sent: AuthenticationOk or ErrorResponse follows
        SaslContinue,    // SASLInitialResponse was sent
        SaslFinal,       // SASLResponse was sent
        Settling,        // AuthenticationOk was received
        Done,
    };
    using Step = ServerLoginStep;

    void write_startup(std::string& out);
    Step ssl_answer(std::string_view in, std::string& out, std::size_t& consumed);
    Step message(char type, std::string_view body, std::string& out);
    Step negotiated(std::string_view body);
    Step authentication(std::string_view body, std::string& out);
    Step authentication_ok();
    Step cleartext_password(std::string& out);
    Step md5_password(std::string_view salt, std::string& out);
    Step sasl(std::string_view mechanisms, std::string& out);
    Step sasl_continue(std::string_view text, std::string& out);
    Step sasl_final(std::string_view text);
    Step parameter_status(std::string_view body);
    Step key_data(std::string_view body);
    Step ready_for_query(std::string_view body);
    Step servers_error(std::string_view body);
    Step fail(std::string_view sql_state, std::string_view text);
    Step malformed(std::string_view message_name);

    const ServerLoginSettings settings_;
    const ServerLoginNonce nonce_;
    ServerLoginSecret secret_;

    State state_ = State::Authentication;
    std::size_t parameter_bytes_ = 0;
    std::optional<wire::ScramClient> scram_;
    ServerLoginResult result_;
    ServerLoginFailure failure_;
};

}  // namespace penstock::session
