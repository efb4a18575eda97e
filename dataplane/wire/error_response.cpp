#include "dataplane/wire/error_response.hpp"

#include "dataplane/wire/bytes.hpp"
#include "dataplane/wire/writer.hpp"

#include <charconv>

namespace penstock::wire {
namespace {

std::string_view severity_text(Severity severity) {
    switch (severity) {
        case Severity::Error:
            return "ERROR";
        case Severity::Fatal:
            return "FATAL";
        case Severity::Notice:
            return "NOTICE";
        case Severity::Warning:
            return "WARNING";
    }
    return "ERROR";
}

}  // namespace

void write_error(std::string& out, const ErrorText& error) {
    const bool is_notice =
        error.severity == Severity::Notice || error.severity == Severity::Warning;
    MessageWriter message(out, is_notice ? Backend::NoticeResponse : Backend::ErrorResponse);
    const std::string_view severity = severity_text(error.severity);
    message.byte('S').c_string(severity);
    message.byte('V').c_string(severity);
    message.byte('C').c_string(error.sql_state);
    message.byte('M').c_string(error.message);
    if (!error.detail.empty()) message.byte('D').c_string(error.detail);
    if (!error.hint.empty()) message.byte('H').c_string(error.hint);
    message.byte('\0');
}

ErrorFields read_error(std::string_view body) {
    ErrorFields fields;
    std::string_view localised;
    ByteReader reader(body);
    while (reader.ok() && !reader.at_end()) {
        const char type = reader.byte();
        if (type == '\0') break;
        const std::string_view value = reader.c_string();
        if (!reader.ok()) break;
        if (type == 'S') localised = value;
        if (type == 'V') fields.severity = value;
        if (type == 'C') fields.sql_state = value;
        if (type == 'M') fields.message = value;
        if (type == 'R') fields.routine = value;
    }
    if (fields.severity.empty()) fields.severity = localised;
    return fields;
}

std::size_t find_name(std::string_view message, std::string_view name) {
    if (name.empty()) return std::string_view::npos;
    std::size_t at = message.find(name);
    while (at != std::string_view::npos) {
        const std::string_view behind = message.substr(at + name.size());
        const bool goes_on = !behind.empty() && behind.front() >= '0' && behind.front() <= '9';
        if (!goes_on) break;
        at = message.find(name, at + 1);
    }
    return at;
}

void write_error_renamed(
    std::string& out, std::string_view body, const ErrorRenaming& renaming, Backend as
) {
    MessageWriter message(out, as);
    ByteReader reader(body);
    while (reader.ok() && !reader.at_end()) {
        const char type = reader.byte();
        if (type == '\0') break;
        const std::string_view value = reader.c_string();
        if (!reader.ok()) break;
        message.byte(type);
        const std::string_view from = renaming.from;
        const std::size_t at = type == 'M' ? find_name(value, from) : std::string_view::npos;
        std::int32_t position = 0;
        if (type == 'P') std::from_chars(value.data(), value.data() + value.size(), position);
        if (at != std::string_view::npos) {
            message.bytes(value.substr(0, at))
                .bytes(renaming.to)
                .c_string(value.substr(at + from.size()));
        } else if (position > 0) {
            for (const PositionShift& shift : renaming.shifts) {
                if (position > shift.behind + 1) position -= shift.by;
            }
            message.c_string(std::to_string(position));
        } else {
            message.c_string(value);
        }
    }
    message.byte('\0');
}

}  // namespace penstock::wire
