// The login of one accepted client link: from its first byte to AuthenticationOk. Bytes in, bytes
// and a step out; the caller moves them and does what the step says. Owned by the client link until
// the login ends (then take_request() and drop it); its worker's thread only.
//
// In order: encryption, required encryption, the startup packet's own faults, authentication.
// Whether the database exists and has room is the caller's and comes after, so that nothing about
// databases or users is told to someone who has not proved who they are.
#pragma once

#include "dataplane/wire/scram.hpp"
#include "dataplane/wire/scram_server.hpp"
#include "dataplane/wire/startup.hpp"
#include "dataplane/wire/userlist.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace penstock::session {

enum class ClientAuthentication : std::uint8_t { Trust, Md5, ScramSha256 };
enum class ClientTls : std::uint8_t { Disable, Allow, Require };

struct ClientLoginSettings {
    ClientAuthentication authentication = ClientAuthentication::ScramSha256;
    ClientTls tls = ClientTls::Disable;
    // Nobody else's: what unknown users are shown is worked out from it.
    std::string mock_secret;
    int scram_iterations = wire::scram_default_iterations;
};

// Fresh from a cryptographic source for each login.
struct ClientLoginRandom {
    std::array<char, 18> nonce{};  // 18 bytes as in PostgreSQL: 24 characters of base64
    std::array<char, 4> md5_salt{};
};

enum class ClientLoginStep : std::uint8_t {
    NeedMore,       // send what is in `out`, read on
    StartTls,       // send what is in `out`, begin TLS as the server, then call tls_established()
    DeriveKeys,     // have derived_verifier() derived, then call keys_derived()
    Cancel,         // a CancelRequest: see cancel_request(); no answer is due, the link closes
    Authenticated,  // AuthenticationOk ends `out`; take_request() and go on
    Close,          // send what is in `out`, close the link
};

enum class Replication : std::uint8_t { None, Physical, Database };

// What an authenticated client asked for.
struct LoginRequest {
    std::string user;
    std::string database;  // the user's name unless it was given
    Replication replication = Replication::None;
    std::uint32_t protocol_minor = 0;  // as negotiated: 0 to wire::protocol_minor_max
    wire::Parameters parameters;       // all others, in the client's order; `options` among them
    // What logs in as this user at a server with the same verifier. There only if the user's stored
    // secret is a SCRAM verifier: keys from any other are of a salt that no server has.
    std::optional<wire::ScramKeys> scram_keys;
};

struct CancelRequest {
    std::uint32_t process_id = 0;
    std::string key;
};

class ClientLogin {
 public:
    // An empty table means that there is none: Trust then admits every user, the other methods
    // none. Requires: settings and users outlive this.
    ClientLogin(
        const ClientLoginSettings& settings,
        const wire::UserTable& users,
        const ClientLoginRandom& random
    );

    ClientLogin(const ClientLogin&) = delete;
    ClientLogin& operator=(const ClientLogin&) = delete;

    // `in`: all bytes that have arrived and were not consumed. Sets `consumed` to how many of them
    // are done with; the rest must be there again in front of what arrives next. Appends to `out`.
    // Requires: no step but NeedMore was returned before, except StartTls with tls_established()
    // after it.
    ClientLoginStep feed(std::string_view in, std::string& out, std::size_t& consumed);
    // After DeriveKeys: the verifier that is not ready yet.
    const std::shared_ptr<const wire::DerivedVerifier>& derived_verifier() const {
        return derived_;
    }
    // Requires: it is ready now. Appends to `out`.
    ClientLoginStep keys_derived(std::string& out);
    // The TLS handshake that StartTls asked for has ended well.
    void tls_established();

    // Is an answer owed to a StartupMessage? Without one PostgreSQL closes without a word.
    bool has_startup_message() const {
        return state_ != State::Startup && state_ != State::TlsHandshake && state_ != State::Done;
    }
    // After StartTls: TLS began without SSLRequest and `in` holds the first record; then the client
    // must have chosen the ALPN protocol "postgresql".
    bool is_direct_tls() const { return is_direct_tls_; }
    // After Cancel.
    const CancelRequest& cancel_request() const { return cancel_request_; }
    // After Authenticated.
    const LoginRequest& request() const { return request_; }
    LoginRequest take_request() { return std::move(request_); }

 private:
    enum class State : std::uint8_t {
        Startup,       // no StartupMessage yet
        TlsHandshake,  // waits for tls_established()
        Md5Password,   // AuthenticationMD5Password was sent
        SaslInitial,   // AuthenticationSASL was sent
        SaslFirst,     // the client chose SCRAM without saying its first message
        SaslFinal,     // AuthenticationSASLContinue was sent
        DerivingKeys,  // the client's last message waits for keys
        Done,
    };
    using Step = ClientLoginStep;

    Step startup_packet(std::string_view in, std::string& out, std::size_t& consumed);
    Step encryption_request(wire::StartupKind kind, bool is_last, std::string& out);
    Step direct_tls(std::string& out);
    Step startup_message(const wire::StartupPacket& packet, std::string& out);
    Step begin_authentication(std::string& out);
    Step begin_scram(const wire::Secret* secret, std::string& out);
    Step password_message(std::string_view in, std::string& out, std::size_t& consumed);
    Step md5_password(std::string_view body, std::string& out);
    Step sasl_initial(std::string_view body, std::string& out);
    Step sasl_first(std::string_view text, std::string& out);
    Step sasl_final(std::string_view text, std::string& out);
    Step scram_fault(const wire::ScramFault& fault, std::string& out);
    Step wrong_password(std::string& out);
    Step authenticated(std::string& out);
    Step refuse(
        std::string& out,
        std::string_view sql_state,
        std::string_view message,
        std::string_view detail = {},
        std::string_view hint = {}
    );

    const ClientLoginSettings& settings_;
    const wire::UserTable& users_;
    const ClientLoginRandom random_;

    State state_ = State::Startup;
    bool asked_ssl_ = false;  // each request is answered once
    bool asked_gssenc_ = false;
    bool is_encrypted_ = false;
    bool is_direct_tls_ = false;
    bool keys_are_servers_ = false;                         // the verifier is a stored one
    std::shared_ptr<const wire::DerivedVerifier> derived_;  // of a password in clear
    std::string final_message_;                             // DerivingKeys
    std::string expected_md5_;                              // empty: no answer is right
    std::optional<wire::ScramServer> scram_;
    LoginRequest request_;
    CancelRequest cancel_request_;
};

}  // namespace penstock::session
