// What a backend answers to each message of a session.
#include "dataplane/wire/authentication.hpp"
#include "dataplane/wire/error_response.hpp"
#include "dataplane/wire/writer.hpp"
#include "tests/support/fake_postgres.hpp"
#include "tests/support/fake_sql.hpp"

#include <algorithm>

namespace penstock::test {
namespace {

using wire::Backend;
using wire::ByteReader;
using wire::Frontend;
using wire::MessageWriter;
using wire::TransactionStatus;

}  // namespace

void FakeBackend::parse(std::string_view body) {
    ByteReader reader(body);
    const std::string name(reader.c_string());
    const std::string sql(reader.c_string());
    const std::uint16_t types = reader.u16();
    reader.take(std::size_t{4} * types);
    if (!reader.at_end()) return fail("08P01", "invalid message format");
    begin_implicit();
    if (name.empty()) statements_.erase("");
    if (!is_understood(sql)) return fail("42601", "syntax error at or near \"" + sql + "\"");
    // A text without a command is parsed in any state.
    if (!bare(sql).empty() && !may_run(sql)) return;
    if (!name.empty() && statements_.contains(name))
        return fail("42P05", "prepared statement \"" + name + "\" already exists");
    own(sql);
    statements_[name] = with_literals(sql, parameter("DateStyle"));
    MessageWriter(out_, Backend::ParseComplete);
}

void FakeBackend::bind(std::string_view body) {
    ByteReader reader(body);
    const std::string portal(reader.c_string());
    const std::string name(reader.c_string());
    reader.take(std::size_t{2} * reader.u16());
    Portal made;
    const std::uint16_t values = reader.u16();
    for (std::uint16_t i = 0; i < values && reader.ok(); ++i)
        made.values.emplace_back(reader.take(reader.u32()));
    reader.take(std::size_t{2} * reader.u16());
    if (!reader.at_end()) return fail("08P01", "invalid message format");
    begin_implicit();
    const auto found = statements_.find(name);
    if (found == statements_.end()) {
        if (name.empty()) return fail("26000", "unnamed prepared statement does not exist");
        return fail("26000", "prepared statement \"" + name + "\" does not exist");
    }
    made.sql = found->second;
    if (!may_run(made.sql)) return;
    if (!portal.empty() && portals_.contains(portal))
        return fail("42P03", "cursor \"" + portal + "\" already exists");
    made.tag = tag_in(made.sql);
    for (const std::string& value : made.values) {
        const std::string tag = tag_in(value);
        if (!tag.empty() && !made.tag.empty() && tag != made.tag)
            violation("a value of " + tag + " for a statement of " + made.tag);
        if (!tag.empty()) made.tag = tag;
    }
    own(made.tag);
    portals_[portal] = std::move(made);
    MessageWriter(out_, Backend::BindComplete);
}

void FakeBackend::describe(std::string_view body) {
    ByteReader reader(body);
    const char kind = reader.byte();
    const std::string name(reader.c_string());
    std::string sql;
    if (kind == 'S') {
        const auto found = statements_.find(name);
        if (found == statements_.end())
            return fail("26000", "prepared statement \"" + name + "\" does not exist");
        sql = found->second;
    } else {
        const auto found = portals_.find(name);
        if (found == portals_.end()) return fail("34000", "portal \"" + name + "\" does not exist");
        sql = found->second.sql;
    }
    // PostgreSQL would describe a statement without rows here; a pooler that must first prepare it
    // anew cannot.
    if ((kind == 'S' || returns_rows(sql)) && !may_run(sql)) return;
    if (kind == 'S') {
        const bool has_value = sql.find("$1") != std::string::npos;
        MessageWriter writer(out_, Backend::ParameterDescription);
        writer.u16(has_value ? 1 : 0);
        if (has_value) writer.u32(25);
    }
    if (returns_rows(sql)) {
        MessageWriter(out_, Backend::RowDescription)
            .u16(1)
            .c_string(sql)
            .u32(0)
            .u16(0)
            .u32(25)
            .u16(0xffff)
            .u32(0)
            .u16(0);
    } else {
        MessageWriter(out_, Backend::NoData);
    }
}

void FakeBackend::close(std::string_view body) {
    ByteReader reader(body);
    const char kind = reader.byte();
    const std::string name(reader.c_string());
    if (kind == 'S') {
        statements_.erase(name);
    } else {
        portals_.erase(name);
    }
    MessageWriter(out_, Backend::CloseComplete);
}

void FakeBackend::execute(std::string_view body) {
    ByteReader reader(body);
    const std::string name(reader.c_string());
    const std::uint32_t rows_max = reader.u32();
    const auto found = portals_.find(name);
    if (found == portals_.end()) return fail("34000", "portal \"" + name + "\" does not exist");
    if (!may_run(found->second.sql)) return;
    if (found->second.is_done && !returns_rows(found->second.sql))
        return fail("55000", "portal \"" + name + "\" cannot be run");
    own(found->second.tag);
    Portal portal = found->second;
    copy_portal_ = name;
    run(portal, rows_max, false);
    const auto still = portals_.find(name);
    if (still != portals_.end()) still->second = portal;
}

void FakeBackend::function_call(std::string_view body) {
    ByteReader reader(body);
    const std::uint32_t function = reader.u32();
    reader.take(std::size_t{2} * reader.u16());
    reader.u16();
    const std::string value(reader.take(reader.u32()));
    begin_implicit();
    if (is_interrupted()) {
    } else if (status_ == TransactionStatus::Failed) {
        may_run("SELECT");
    } else if (function == 0) {
        fail("42883", "function with OID 0 does not exist");
    } else {
        own(value);
        MessageWriter(out_, Backend::FunctionCallResponse)
            .u32(static_cast<std::uint32_t>(value.size()))
            .bytes(value);
    }
    if (status_ == TransactionStatus::Idle) commit();
    ready();
}

void FakeBackend::copy_message(char type, std::string_view body) {
    is_extended_ = !copy_->is_of_query;
    switch (static_cast<Frontend>(type)) {
        case Frontend::CopyData: {
            const std::string tag = tag_in(body.substr(0, 16));
            if (!tag.empty() && tag != copy_->tag)
                violation("COPY data of " + tag + " in a COPY of " + copy_->tag);
            copy_->bytes += body.size();
            copy_->has_begun = true;
            if (body.ends_with("wrong")) {
                fail("22P02", "invalid input syntax for type integer");
                if (query_) end_query();
            }
            return;
        }
        case Frontend::Flush:
        case Frontend::Sync:
            return;
        case Frontend::CopyDone: {
            complete("COPY " + std::to_string(copy_->bytes));
            copy_.reset();
            if (query_ && query_->empty()) end_query();
            return;
        }
        case Frontend::CopyFail: {
            ByteReader reader(body);
            fail("57014", "COPY from stdin failed: " + std::string(reader.c_string()));
            if (query_) end_query();
            return;
        }
        default:
            fail("08P01", "unexpected message type during COPY from stdin");
            return fatal(
                "08P01", "terminating connection because protocol synchronization was lost"
            );
    }
}

}  // namespace penstock::test
