// A ClientLogin whose client's bytes the test writes.
#pragma once

#include "dataplane/session/client_login.hpp"
#include "dataplane/wire/error_response.hpp"
#include "tests/support/messages.hpp"

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace penstock::test {

using session::ClientAuthentication;
using session::ClientLogin;
using session::ClientLoginRandom;
using session::ClientLoginSettings;
using session::ClientLoginStep;
using session::ClientTls;

inline constexpr ClientLoginRandom client_login_random{
    {'1', '2', '3', '4', '5', '6', '7', '8', '9', '0', '1', '2', '3', '4', '5', '6', '7', '8'},
    {'s', 'a', 'l', 't'}};

inline wire::UserTable users_of(std::initializer_list<std::pair<std::string_view, std::string>> list
) {
    wire::UserTable users;
    for (const auto& [user, secret] : list) users.add(user, wire::read_secret(secret).value());
    return users;
}

inline std::string verifier_text(std::string_view password) {
    return wire::to_string(wire::scram_verifier(wire::scram_keys(password, "stored salt", 10)));
}

class ClientLink {
 public:
    ClientLink(ClientLoginSettings settings, wire::UserTable users)
        : settings_(std::move(settings)), users_(std::move(users)) {}

    ClientLoginStep receive(std::string_view piece) {
        in_ += piece;
        std::size_t consumed = 0;
        ClientLoginStep step = login.feed(in_, out, consumed);
        EXPECT_LE(consumed, in_.size());
        in_.erase(0, consumed);
        if (step == ClientLoginStep::DeriveKeys) {
            ++derivations;
            login.derived_verifier()->derive();
            step = login.keys_derived(out);
        }
        return step;
    }
    ClientLoginStep receive_all(const std::vector<std::string_view>& pieces) {
        ClientLoginStep step = ClientLoginStep::NeedMore;
        for (const std::string_view piece : pieces) {
            EXPECT_EQ(step, ClientLoginStep::NeedMore);
            step = receive(piece);
            if (step != ClientLoginStep::NeedMore) break;
        }
        return step;
    }
    const std::string& left() const { return in_; }
    std::string take_out() { return std::exchange(out, {}); }

 private:
    const ClientLoginSettings settings_;
    const wire::UserTable users_;
    std::string in_;

 public:
    ClientLogin login{settings_, users_, client_login_random};
    std::string out;
    int derivations = 0;  // that it asked for
};

inline ClientLink client_link(
    ClientAuthentication authentication,
    wire::UserTable users = {},
    ClientTls tls = ClientTls::Disable
) {
    return {
        {.authentication = authentication,
         .tls = tls,
         .mock_secret = "process",
         .scram_iterations = 10},
        std::move(users)};
}

inline std::string startup(const wire::Parameters& parameters, std::uint32_t minor = 0) {
    std::string out;
    wire::write_startup_message(out, minor, parameters);
    return out;
}

inline std::string ssl_request() {
    std::string out;
    wire::write_ssl_request(out);
    return out;
}

inline const std::string gssenc_request = bytes("\0\0\0\x08\x04\xd2\x16\x30");

// The one FATAL at the end of `out`: "SQLSTATE message".
inline std::string fatal(std::string_view out) {
    const auto all = messages(out);
    if (all.empty() || all.back().type != 'E') return "no error in: " + std::string{out};
    const wire::ErrorFields fields = wire::read_error(all.back().body);
    EXPECT_EQ(fields.severity, "FATAL");
    return std::string{fields.sql_state} + " " + std::string{fields.message};
}

}  // namespace penstock::test
