// A ServerLogin whose server the test plays, and what servers say.
#pragma once

#include "dataplane/session/server_login.hpp"
#include "dataplane/wire/authentication.hpp"
#include "dataplane/wire/error_response.hpp"
#include "dataplane/wire/writer.hpp"
#include "tests/support/messages.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace penstock::test {

using session::ServerLogin;
using session::ServerLoginNonce;
using session::ServerLoginSecret;
using session::ServerLoginStep;
using session::ServerTls;

inline constexpr ServerLoginNonce server_login_nonce{
    'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o', 'p', 'q', 'r'};

inline ServerLoginSecret secret_of(
    std::string_view text, std::optional<wire::ScramKeys> keys = {}
) {
    return {wire::read_secret(text).value(), std::move(keys)};
}

class ServerLink {
 public:
    explicit ServerLink(
        ServerLoginSecret secret, ServerTls tls = ServerTls::Disable, std::uint32_t minor = 0
    )
        : login(
              {.user = "app",
               .database = "orders",
               .parameters = {{"client_encoding", "UTF8"}, {"application_name", "lost"}},
               .application_name = "penstock/1",
               .tls = tls,
               .protocol_minor = minor},
              std::move(secret),
              server_login_nonce
          ) {
        login.start(out);
    }

    ServerLoginStep receive(std::string_view piece) {
        in_ += piece;
        std::size_t consumed = 0;
        const ServerLoginStep step = login.feed(in_, out, consumed);
        EXPECT_LE(consumed, in_.size());
        in_.erase(0, consumed);
        return step;
    }
    ServerLoginStep receive_all(const std::vector<std::string_view>& pieces) {
        ServerLoginStep step = ServerLoginStep::NeedMore;
        for (const std::string_view piece : pieces) {
            EXPECT_EQ(step, ServerLoginStep::NeedMore);
            step = receive(piece);
            if (step != ServerLoginStep::NeedMore) break;
        }
        return step;
    }
    const std::string& left() const { return in_; }
    std::string take_out() { return std::exchange(out, {}); }

    ServerLogin login;
    std::string out;

 private:
    std::string in_;
};

inline std::string auth(wire::Authentication kind, std::string_view content = {}) {
    std::string out;
    wire::write_authentication(out, kind, content);
    return out;
}

inline std::string sasl() {
    std::string out;
    wire::write_authentication_sasl(out);
    return out;
}

inline std::string parameter(std::string_view name, std::string_view value) {
    std::string out;
    wire::write_parameter_status(out, name, value);
    return out;
}

inline std::string error(std::string_view sql_state, std::string_view text) {
    std::string out;
    wire::write_error(
        out, {.severity = wire::Severity::Fatal, .sql_state = sql_state, .message = text}
    );
    return out;
}

inline std::string notice() {
    std::string out;
    wire::write_error(
        out, {.severity = wire::Severity::Notice, .sql_state = "00000", .message = "hello"}
    );
    return out;
}

inline const std::string ready = bytes("Z\0\0\0\x05I");

}  // namespace penstock::test
