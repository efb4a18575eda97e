// Scripts of prepared statements: a client "a" that has prepared "x", and what is said of it.
#pragma once

#include "tests/support/script.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace penstock::test {

// The name on servers of the worker's statement with this number, of which 0 never exists: what its
// random source gave for the prefix.
inline const std::string our_prefix = "penstock_wikov4aa_";
inline std::string ours(int number) { return our_prefix + std::to_string(number); }
inline const std::string empty_one = our_prefix + "e";

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
        .expects_to_server(parse(ours(1), "select 1") + sync())
        .server_sends(parse_complete() + ready_for_query())
        .expects_to_client(parse_complete() + ready_for_query())
        .setup_ends();
    return script;
}

}  // namespace penstock::test
