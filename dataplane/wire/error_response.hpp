// ErrorResponse and NoticeResponse: reading the fields that Penstock acts on, writing its own.
#pragma once

#include "dataplane/wire/message_type.hpp"
#include "dataplane/wire/sql_state.hpp"

#include <cstdint>
#include <span>
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

// Positions behind this character of the text become smaller by so much.
struct PositionShift {
    std::int32_t behind = 0;
    std::int32_t by = 0;
};
// What is changed in an ErrorResponse whose query was sent with other names in it.
struct ErrorRenaming {
    std::string_view from = {};  // in the primary message; empty: nothing
    std::string_view to = {};
    std::span<const PositionShift> shifts = {};  // in the order of the text
};
// Where the name stands in the message, and not only a longer one that begins with it; npos:
// nowhere.
std::size_t find_name(std::string_view message, std::string_view name);
// A copy of the body of an ErrorResponse, or NoticeResponse, as a whole message with that changed.
void write_error_renamed(
    std::string& out,
    std::string_view body,
    const ErrorRenaming& renaming,
    Backend type = Backend::ErrorResponse
);

}  // namespace penstock::wire
