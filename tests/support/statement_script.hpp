// Scripts of prepared statements: a client "a" that has prepared "x", and what is said of it.
#pragma once

#include "tests/support/script.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace penstock::test {

// Bind, Execute and Sync of a statement, and the answer.
inline std::string run(std::string_view statement) {
    return bind_statement("", statement) + execute() + sync();
}
inline const std::string ran = bind_complete() + done("SELECT 0");

inline std::string error(std::string_view code, std::string_view text) {
    return error_response().code(code).message(text).bytes();
}

inline Script prepared(
    const proxy::Settings& settings = plain_settings(), std::int32_t limit = 10
) {
    Script script = pooled(settings, limit);
    script.client_sends(parse("x", "select 1") + sync())
        .expects_to_server(parse("penstock_1", "select 1") + sync())
        .server_sends(parse_complete() + ready_for_query())
        .expects_to_client(parse_complete() + ready_for_query())
        .setup_ends();
    return script;
}

}  // namespace penstock::test
