// Builders of the messages that frontends and backends send, by the names of PostgreSQL's manual
// ("Message Formats").
#pragma once

#include "dataplane/wire/authentication.hpp"
#include "dataplane/wire/error_response.hpp"
#include "dataplane/wire/startup.hpp"
#include "dataplane/wire/writer.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace penstock::test {

using wire::Backend;
using wire::Frontend;
using wire::MessageWriter;

// Frontend

inline std::string startup_message(const wire::Parameters& parameters) {
    std::string out;
    wire::write_startup_message(out, 0, parameters);
    return out;
}
inline std::string ssl_request() {
    std::string out;
    wire::write_ssl_request(out);
    return out;
}
inline std::string cancel_request(std::uint32_t process_id, std::string_view key) {
    std::string out;
    wire::write_cancel_request(out, process_id, key);
    return out;
}
inline std::string query(std::string_view sql) {
    std::string out;
    wire::write_query(out, sql);
    return out;
}
inline std::string parse(std::string_view name, std::string_view sql) {
    std::string out;
    MessageWriter(out, Frontend::Parse).c_string(name).c_string(sql).u16(0);
    return out;
}
// No parameters, text results.
inline std::string bind_statement(std::string_view portal, std::string_view statement) {
    std::string out;
    MessageWriter(out, Frontend::Bind).c_string(portal).c_string(statement).u16(0).u16(0).u16(0);
    return out;
}
inline std::string describe(char kind, std::string_view name) {
    std::string out;
    MessageWriter(out, Frontend::Describe).byte(kind).c_string(name);
    return out;
}
inline std::string close(char kind, std::string_view name) {
    std::string out;
    MessageWriter(out, Frontend::Close).byte(kind).c_string(name);
    return out;
}
inline std::string execute(std::string_view portal = {}) {
    std::string out;
    MessageWriter(out, Frontend::Execute).c_string(portal).u32(0);
    return out;
}
inline std::string sync() {
    std::string out;
    wire::write_sync(out);
    return out;
}
inline std::string flush() {
    std::string out;
    MessageWriter(out, Frontend::Flush);
    return out;
}
inline std::string terminate() {
    std::string out;
    wire::write_terminate(out);
    return out;
}
inline std::string function_call() {
    std::string out;
    MessageWriter(out, Frontend::FunctionCall).u32(1598).u16(0).u16(0).u16(0);
    return out;
}
// COPY's messages are the same in both directions.
inline std::string copy_data(std::string_view line) {
    std::string out;
    MessageWriter(out, Frontend::CopyData).bytes(line);
    return out;
}
inline std::string copy_done() {
    std::string out;
    MessageWriter(out, Frontend::CopyDone);
    return out;
}
inline std::string copy_fail(std::string_view reason) {
    std::string out;
    MessageWriter(out, Frontend::CopyFail).c_string(reason);
    return out;
}
// What the Proxy sends for a client that left its batch without a Sync.
inline std::string aborts_batch() {
    return copy_fail("the client is gone") +
           parse("", "penstock: the client left before Sync, so its batch is rolled back") + sync();
}

// Backend

inline std::string authentication_ok() {
    std::string out;
    wire::write_authentication(out, wire::Authentication::Ok, {});
    return out;
}
inline std::string backend_key_data(std::uint32_t process_id, std::string_view key) {
    std::string out;
    MessageWriter(out, Backend::BackendKeyData).u32(process_id).bytes(key);
    return out;
}
inline std::string parameter_status(std::string_view name, std::string_view value) {
    std::string out;
    wire::write_parameter_status(out, name, value);
    return out;
}
// status: I, T or E.
inline std::string ready_for_query(char status = 'I') {
    std::string out;
    wire::write_ready_for_query(out, static_cast<wire::TransactionStatus>(status));
    return out;
}
inline std::string parse_complete() {
    std::string out;
    MessageWriter(out, Backend::ParseComplete);
    return out;
}
inline std::string bind_complete() {
    std::string out;
    MessageWriter(out, Backend::BindComplete);
    return out;
}
inline std::string close_complete() {
    std::string out;
    MessageWriter(out, Backend::CloseComplete);
    return out;
}
inline std::string no_data() {
    std::string out;
    MessageWriter(out, Backend::NoData);
    return out;
}
inline std::string portal_suspended() {
    std::string out;
    MessageWriter(out, Backend::PortalSuspended);
    return out;
}
inline std::string parameter_description() {
    std::string out;
    MessageWriter(out, Backend::ParameterDescription).u16(0);
    return out;
}
// One column of type text.
inline std::string row_description(std::string_view column = "c") {
    std::string out;
    MessageWriter(out, Backend::RowDescription)
        .u16(1)
        .c_string(column)
        .u32(0)
        .u16(0)
        .u32(25)
        .u16(0xffff)
        .u32(0xffffffff)
        .u16(0);
    return out;
}
inline std::string data_row(std::string_view value) {
    std::string out;
    MessageWriter(out, Backend::DataRow)
        .u16(1)
        .u32(static_cast<std::uint32_t>(value.size()))
        .bytes(value);
    return out;
}
inline std::string command_complete(std::string_view tag) {
    std::string out;
    MessageWriter(out, Backend::CommandComplete).c_string(tag);
    return out;
}
inline std::string empty_query_response() {
    std::string out;
    MessageWriter(out, Backend::EmptyQueryResponse);
    return out;
}
inline std::string function_call_response() {
    std::string out;
    MessageWriter(out, Backend::FunctionCallResponse).u32(0xffffffff);
    return out;
}
inline std::string copy_in_response() {
    std::string out;
    MessageWriter(out, Backend::CopyInResponse).byte('\0').u16(1).u16(0);
    return out;
}
inline std::string copy_out_response() {
    std::string out;
    MessageWriter(out, Backend::CopyOutResponse).byte('\0').u16(1).u16(0);
    return out;
}
inline std::string notification(std::string_view channel) {
    std::string out;
    MessageWriter(out, Backend::NotificationResponse).u32(7).c_string(channel).c_string("");
    return out;
}

class ErrorBuilder {
 public:
    explicit ErrorBuilder(wire::Severity severity) { error_.severity = severity; }
    ErrorBuilder& code(std::string_view sql_state) {
        error_.sql_state = sql_state;
        return *this;
    }
    ErrorBuilder& message(std::string_view text) {
        error_.message = text;
        return *this;
    }
    ErrorBuilder& detail(std::string_view text) {
        error_.detail = text;
        return *this;
    }
    ErrorBuilder& hint(std::string_view text) {
        error_.hint = text;
        return *this;
    }
    std::string bytes() const {
        std::string out;
        wire::write_error(out, error_);
        return out;
    }

 private:
    wire::ErrorText error_;
};

// Requires: the views given to it hold until bytes().
inline ErrorBuilder error_response() { return ErrorBuilder(wire::Severity::Error); }
inline ErrorBuilder fatal_response() { return ErrorBuilder(wire::Severity::Fatal); }
inline ErrorBuilder notice_response() { return ErrorBuilder(wire::Severity::Notice); }

// Whole answers: what a server says to a query with one row.
inline std::string one_row(std::string_view value, char status = 'I') {
    return row_description() + data_row(value) + command_complete("SELECT 1") +
           ready_for_query(status);
}
inline std::string done(std::string_view tag, char status = 'I') {
    return command_complete(tag) + ready_for_query(status);
}

}  // namespace penstock::test
