// ErrorResponse and NoticeResponse: reading the fields that Penstock acts on, writing its own.
#pragma once

#include "dataplane/wire/message_type.hpp"
#include "dataplane/wire/sql_state.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace penstock::wire {

enum class Severity { Error, Fatal, Notice, Warning };

// What Penstock says. Views must hold for the call only. detail and hint may be empty.
struct ErrorText {
    Severity severity = Severity::Error;
    std::string_view sql_state;
    std::string_view message;
    std::string_view detail = {};
    std::string_view hint = {};
};

// An ErrorResponse, or a NoticeResponse for Notice and Warning.
void write_error(std::string& out, const ErrorText& error);

// What a server said. Views point into the body; a field that is missing is empty. Any body is
// accepted.
struct ErrorFields {
    std::string_view severity;  // not localised ('V'), else 'S'
    std::string_view sql_state;
    std::string_view message;
    std::string_view routine;  // in PostgreSQL's source: no language changes it

    bool is_fatal() const { return severity == "FATAL" || severity == "PANIC"; }
};
ErrorFields read_error(std::string_view body);

// What is changed in an ErrorResponse whose query was sent with another name in it.
struct ErrorRenaming {
    std::string_view from = {};  // in the primary message; empty: nothing
    std::string_view to = {};
    std::int32_t shift_behind = 0;  // positions behind this character
    std::int32_t shift = 0;         // become smaller by this
};
// A copy of an ErrorResponse's body as a whole message with that changed.
void write_error_renamed(std::string& out, std::string_view body, const ErrorRenaming& renaming);

}  // namespace penstock::wire
