// How a backend runs one statement.
#include "dataplane/wire/authentication.hpp"
#include "dataplane/wire/error_response.hpp"
#include "dataplane/wire/writer.hpp"
#include "tests/support/fake_postgres.hpp"
#include "tests/support/fake_sql.hpp"

namespace penstock::test {
namespace {

using wire::Backend;
using wire::ByteReader;
using wire::Frontend;
using wire::MessageWriter;
using wire::TransactionStatus;

}  // namespace

bool FakeBackend::run(Portal& portal, std::size_t rows_max, bool with_description) {
    const std::string with_values = with_literals(portal.sql, parameter("DateStyle"));
    const std::string_view sql = bare(with_values);
    begin_implicit();
    if (sql == "SELECT error") {
        fail("22012", "division by zero");
        if (query_) end_query();
        return true;
    }
    if (sql.starts_with("SELECT") || sql.starts_with("SHOW")) {
        std::size_t rows = 1;
        std::string text = quoted_in(sql);
        set_locally(sql);
        if (sql.starts_with("SELECT rows ")) rows = std::stoul(std::string(sql.substr(12)));
        if (sql.starts_with("SELECT $1")) text = portal.values.empty() ? "" : portal.values.front();
        if (sql.starts_with("SHOW")) text = parameter(std::string(sql.substr(5)));
        if (with_description) {
            MessageWriter(out_, Backend::RowDescription)
                .u16(1)
                .c_string("text")
                .bytes(std::string_view("\0\0\0\0\0\0\0\0\0\x19\xff\xff\0\0\0\0\0\0", 18));
        }
        std::size_t sent = 0;
        while (portal.position < rows && (rows_max == 0 || sent < rows_max)) {
            MessageWriter(out_, Backend::DataRow)
                .u16(1)
                .u32(static_cast<std::uint32_t>(text.size()))
                .bytes(text);
            ++portal.position;
            ++sent;
        }
        if (rows_max != 0 && sent == rows_max) {
            MessageWriter(out_, Backend::PortalSuspended);
            return false;
        }
        complete(sql.starts_with("SHOW") ? std::string("SHOW") : "SELECT " + std::to_string(sent));
        return true;
    }
    portal.is_done = true;
    if (sql == "BEGIN") {
        status_ = TransactionStatus::InTransaction;
        complete("BEGIN");
    } else if (ends_transaction(sql)) {
        const bool is_commit = sql == "COMMIT" && status_ != TransactionStatus::Failed;
        if (is_commit) {
            commit();
        } else {
            abort();
        }
        status_ = TransactionStatus::Idle;
        complete(is_commit ? "COMMIT" : "ROLLBACK");
    } else if (sql.starts_with("INSERT ")) {
        inserted_.push_back(quoted_in(sql));
        complete("INSERT 0 1");
    } else if (sql.starts_with("SET ")) {
        set(sql);
        complete("SET");
    } else if (sql.starts_with("RESET ")) {
        const std::string name(sql.substr(6));
        if (name == "ALL") {
            parameters_ = defaults_;
        } else {
            parameters_[name] = defaults_[name];
        }
        complete("RESET");
    } else if (sql == "DISCARD ALL" || sql == "DEALLOCATE ALL") {
        if (sql == "DISCARD ALL" && status_ != TransactionStatus::Idle) {
            fail("25001", "DISCARD ALL cannot run inside a transaction block");
            if (query_) end_query();
            return true;
        }
        const auto unnamed = statements_.find("");
        Names kept;
        if (unnamed != statements_.end()) kept.insert(*unnamed);
        statements_ = kept;
        if (sql == "DISCARD ALL") parameters_ = defaults_;
        complete(sql);
    } else if (sql.starts_with("COPY '")) {
        const std::string text = quoted_in(sql);
        MessageWriter(out_, Backend::CopyOutResponse).byte(0).u16(0);
        for (int i = 0; i < 3; ++i) MessageWriter(out_, Backend::CopyData).bytes(text);
        MessageWriter(out_, Backend::CopyDone);
        complete("COPY 3");
    } else if (sql.starts_with("COPY ")) {
        MessageWriter(out_, Backend::CopyInResponse).byte(0).u16(0);
        copy_ = Copy{query_.has_value(), false, 0, portal.tag};
        flushed_ = out_.size();
        return false;
    } else if (sql.empty()) {
        MessageWriter(out_, Backend::EmptyQueryResponse);
    }
    return true;
}

void FakeBackend::set_locally(std::string_view sql) {
    constexpr std::string_view call = "pg_catalog.set_config('";
    for (std::size_t at = sql.find(call); at != std::string_view::npos; at = sql.find(call, at)) {
        at += call.size();
        const std::size_t end = sql.find("',", at);
        const std::size_t last = sql.find(",true)", at);
        if (end == std::string_view::npos || last == std::string_view::npos) return;
        const std::string name(sql.substr(at, end - at));
        locals_.try_emplace(name, parameters_[name]);
        parameters_[name] = literal_in(sql.substr(end + 2, last - end - 2));
    }
}

// SET name = 'value'; several with a comma are not understood.
void FakeBackend::set(std::string_view sql) {
    sql.remove_prefix(4);
    const std::size_t space = sql.find(' ');
    std::string value = literal_in(sql);
    const std::string name(sql.substr(0, space));
    // As PostgreSQL writes it.
    if (name == "DateStyle" && value == "iso") value = "ISO, MDY";
    parameters_[name] = value;
    locals_.erase(name);
}

}  // namespace penstock::test
