// The server's side of one SCRAM-SHA-256 exchange, over the texts of its four messages; their
// framing is the caller's. Owned by one client's login; not thread safe, does no IO.
//
// SCRAM-SHA-256-PLUS is not offered, so the channel-binding flags "n" (client cannot) and "y"
// (client could, and thinks that we cannot) are both right, and "p" is refused.
#pragma once

#include "dataplane/wire/scram.hpp"

#include <string>
#include <string_view>

#include <tl/expected.hpp>

namespace penstock::wire {

struct ScramFault {
    enum class Kind {
        Malformed,      // not a SCRAM message, or not this exchange's
        NotSupported,   // a part of SCRAM that neither PostgreSQL nor we know
        WrongPassword,  // a well-formed proof of another password
    };
    Kind kind = Kind::Malformed;
    std::string text;  // what is wrong, for ErrorResponse's detail; nothing about the user in it

    bool operator==(const ScramFault&) const = default;
};

class ScramServer {
 public:
    // `nonce`: this server's share of the nonce, fresh random for each exchange. Requires:
    // is_scram_nonce(nonce).
    ScramServer(ScramVerifier verifier, std::string_view nonce);

    // client-first-message -> server-first-message. Requires: called once, first.
    tl::expected<std::string, ScramFault> first(std::string_view message);
    // The keys of a verifier that had only salt and iterations in the constructor.
    void set_keys(const ScramVerifier& verifier);
    // client-final-message -> server-final-message: the client is who it says. Requires: first()
    // succeeded.
    tl::expected<std::string, ScramFault> final(std::string_view message);

    // What logs in at a server that stores the same verifier. Requires: final() succeeded.
    ScramKeys take_keys();

 private:
    ScramVerifier verifier_;
    std::string nonce_;            // ours, then the client's and ours
    std::string channel_binding_;  // what "c=" must be
    std::string auth_message_;     // as far as it is known
    std::string client_key_;       // empty until proved
};

}  // namespace penstock::wire
