// The messages of authentication, written: a server's Authentication… and a client's answers to
// them. By the names of PostgreSQL's manual ("Message Formats").
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace penstock::wire {

// The number that an Authentication message begins with.
enum class Authentication : std::uint32_t {
    Ok = 0,
    CleartextPassword = 3,
    MD5Password = 5,
    SASL = 10,
    SASLContinue = 11,
    SASLFinal = 12,
};

// An Authentication message whose content behind the number is `content`.
void write_authentication(std::string& out, Authentication kind, std::string_view content = {});
// AuthenticationSASL that offers SCRAM-SHA-256 and nothing else.
void write_authentication_sasl(std::string& out);

// An answer to AuthenticationCleartextPassword and AuthenticationMD5Password.
// Requires: no zero byte in the password.
void write_password_message(std::string& out, std::string_view password);
void write_sasl_initial_response(
    std::string& out, std::string_view mechanism, std::string_view response
);
void write_sasl_response(std::string& out, std::string_view response);

}  // namespace penstock::wire
