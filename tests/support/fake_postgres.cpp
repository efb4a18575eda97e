#include "tests/support/fake_postgres.hpp"

#include "dataplane/wire/authentication.hpp"
#include "dataplane/wire/error_response.hpp"
#include "dataplane/wire/writer.hpp"

#include <algorithm>
#include <array>
#include <cctype>

namespace penstock::test {
namespace {

using wire::Backend;
using wire::ByteReader;
using wire::Frontend;
using wire::MessageWriter;
using wire::TransactionStatus;

constexpr std::array<std::string_view, 8> reported{
    "DateStyle",
    "IntervalStyle",
    "TimeZone",
    "application_name",
    "client_encoding",
    "default_transaction_read_only",
    "server_version",
    "standard_conforming_strings",
};

// PostgreSQL's buffer for a socket.
constexpr std::size_t output_bytes_max = 8192;

// Without the comment in front and blanks around.
std::string_view bare(std::string_view sql) {
    const auto trim = [&] {
        while (!sql.empty() && sql.front() == ' ') sql.remove_prefix(1);
        while (!sql.empty() && sql.back() == ' ') sql.remove_suffix(1);
    };
    trim();
    if (sql.starts_with("/*")) {
        const std::size_t end = sql.find("*/");
        sql.remove_prefix(end == std::string_view::npos ? sql.size() : end + 2);
        trim();
    }
    return sql;
}

std::string quoted_in(std::string_view sql) {
    const std::size_t first = sql.find('\'');
    const std::size_t last = sql.rfind('\'');
    return first == last ? std::string{} : std::string{sql.substr(first + 1, last - first - 1)};
}

bool returns_rows(std::string_view sql) {
    return bare(sql).starts_with("SELECT") || bare(sql).starts_with("SHOW");
}

bool ends_transaction(std::string_view sql) {
    return bare(sql) == "COMMIT" || bare(sql) == "ROLLBACK";
}

bool is_understood(std::string_view sql) {
    const std::string_view text = bare(sql);
    constexpr std::array<std::string_view, 10> beginnings{
        "SELECT",
        "BEGIN",
        "COMMIT",
        "ROLLBACK",
        "SET ",
        "SHOW ",
        "COPY ",
        "DISCARD ALL",
        "DEALLOCATE ALL",
        "RESET "};
    return text.empty() ||
           std::ranges::any_of(beginnings, [&](std::string_view b) { return text.starts_with(b); });
}

}  // namespace

std::string tag_in(std::string_view text) {
    for (std::size_t at = text.find('c'); at != std::string_view::npos;
         at = text.find('c', at + 1)) {
        std::size_t end = at + 1;
        while (end < text.size() && std::isdigit(static_cast<unsigned char>(text[end])) != 0) ++end;
        if (end > at + 1 && end < text.size() && text[end] == '.')
            return std::string{text.substr(at, end + 1 - at)};
    }
    return {};
}

FakeBackend::FakeBackend(std::uint32_t process_id, std::uint32_t secret, std::uint64_t chatter_seed)
    : process_id_(process_id), secret_(secret) {
    if (chatter_seed != 0) chatter_.emplace(chatter_seed);
    parameters_ = {
        {"DateStyle", "ISO, MDY"},
        {"IntervalStyle", "postgres"},
        {"TimeZone", "UTC"},
        {"application_name", ""},
        {"client_encoding", "UTF8"},
        {"default_transaction_read_only", "off"},
        {"server_version", "17.0"},
        {"standard_conforming_strings", "on"}};
}

bool FakeBackend::whole_message() const {
    if (!is_logged_in_) {
        return in_.size() >= 4 && in_.size() >= wire::load_u32(in_.data());
    }
    wire::Frame frame;
    return wire::FrameCursor(in_, 0x7fffffff).next(frame) == wire::FrameResult::Whole;
}

bool FakeBackend::has_work() const {
    if (is_over_) return false;
    return (query_ && !copy_) || whole_message() || is_peer_closed_;
}

void FakeBackend::step() {
    if (query_ && !copy_) {
        next_statement();
    } else if (!whole_message()) {
        is_over_ = true;  // the peer is gone and nothing whole is left
    } else if (!is_logged_in_) {
        start_up();
    } else {
        wire::Frame frame;
        wire::FrameCursor(in_, 0x7fffffff).next(frame);
        const std::string body(frame.body);
        const char type = frame.type;
        in_.erase(0, wire::header_bytes + body.size());
        if (chatter_ && (*chatter_)() % 64 == 0) say_notice();
        message(type, body);
    }
    if (out_.size() > output_bytes_max || is_over_) flushed_ = out_.size();
    const bool runs_on = (query_ && !copy_) || whole_message();
    if (!runs_on) is_cancelled_ = false;
}

std::string FakeBackend::take_output() {
    std::string taken = out_.substr(0, flushed_);
    out_.erase(0, flushed_);
    flushed_ = 0;
    return taken;
}

std::string FakeBackend::take_all_output() {
    flushed_ = out_.size();
    return take_output();
}

void FakeBackend::cancel() {
    if (is_over_ || !is_logged_in_) return;
    // At its beginning a COPY reads a Sync that is there already; no signal comes between.
    if (copy_ && !copy_->has_begun) return;
    if (copy_) {
        is_extended_ = !copy_->is_of_query;
        fail("57014", "canceling statement due to user request");
        if (query_) end_query();
    } else if (query_ || whole_message()) {
        is_cancelled_ = true;
    }
}

void FakeBackend::kill() {
    if (is_over_) return;
    fatal("57P01", "terminating connection due to administrator command");
}

void FakeBackend::refuse_login(std::string_view sql_state, std::string_view text) {
    refusal_ = Error{std::string(sql_state), std::string(text)};
}

void FakeBackend::fail_next(std::string_view sql_state, std::string_view text) {
    if (copy_) {
        is_extended_ = !copy_->is_of_query;
        fail(sql_state, text);
        if (query_) end_query();
        return;
    }
    planned_ = Error{std::string(sql_state), std::string(text)};
}

void FakeBackend::say_notice() {
    if (!is_logged_in_ || is_over_) return;
    wire::write_error(out_, {wire::Severity::Notice, "00000", "chatter", {}, {}});
}

std::string FakeBackend::parameter(const std::string& name) const {
    const auto found = parameters_.find(name);
    return found == parameters_.end() ? std::string{} : found->second;
}

void FakeBackend::start_up() {
    const wire::StartupPacket packet = wire::read_startup(in_);
    if (packet.kind == wire::StartupKind::CancelRequest) {
        cancel_ = Cancel{
            packet.process_id,
            packet.cancel_key.size() == 4 ? wire::load_u32(packet.cancel_key.data()) : 0};
        is_over_ = true;
        return;
    }
    if (packet.kind != wire::StartupKind::StartupMessage) {
        violation("a startup packet that is none");
        is_over_ = true;
        return;
    }
    for (const auto& [name, value] : packet.parameters) {
        if (name == "user") {
            user_ = value;
        } else if (name == "database") {
            database_ = value;
        } else {
            parameters_[std::string(name)] = value;
        }
    }
    in_.erase(0, packet.size);
    if (refusal_) return fatal(refusal_->sql_state, refusal_->text);
    is_logged_in_ = true;
    defaults_ = parameters_;
    wire::write_authentication(out_, wire::Authentication::Ok);
    report_parameters();
    MessageWriter(out_, Backend::BackendKeyData).u32(process_id_).u32(secret_);
    wire::write_ready_for_query(out_, status_);
    flushed_ = out_.size();
}

void FakeBackend::message(char type, std::string_view body) {
    if (copy_) return copy_message(type, body);
    const auto kind = static_cast<Frontend>(type);
    if (skips_to_sync_ && kind != Frontend::Sync && kind != Frontend::Terminate) return;
    is_extended_ = false;
    switch (kind) {
        case Frontend::Query:
            return query_message(body);
        case Frontend::FunctionCall:
            return function_call(body);
        case Frontend::Sync:
            skips_to_sync_ = false;
            if (status_ == TransactionStatus::Idle) commit();
            return ready();
        case Frontend::Flush:
            flushed_ = out_.size();
            return;
        case Frontend::Terminate:
            is_over_ = true;
            return;
        case Frontend::CopyData:
        case Frontend::CopyDone:
        case Frontend::CopyFail:
            return;
        default:
            break;
    }
    is_extended_ = true;
    if (is_cancelled_ && kind == Frontend::Close) is_cancelled_ = false;
    if (is_interrupted()) return;
    switch (kind) {
        case Frontend::Parse:
            return parse(body);
        case Frontend::Bind:
            return bind(body);
        case Frontend::Describe:
            return describe(body);
        case Frontend::Close:
            return close(body);
        case Frontend::Execute:
            return execute(body);
        default:
            violation("message type " + std::string(1, type));
            fatal("08P01", "invalid frontend message type");
    }
}

// Requires: the message in work can fail. True: it has.
bool FakeBackend::is_interrupted() {
    if (planned_) {
        const Error error = *planned_;
        planned_.reset();
        fail(error.sql_state, error.text);
        return true;
    }
    if (!is_cancelled_) return false;
    is_cancelled_ = false;
    fail("57014", "canceling statement due to user request");
    return true;
}

void FakeBackend::query_message(std::string_view body) {
    ByteReader reader(body);
    const std::string_view sql = reader.c_string();
    if (!reader.at_end()) violation("a Query of odd length");
    statements_.erase("");
    portals_.erase("");
    begin_implicit();
    query_.emplace();
    std::size_t at = 0;
    while (at <= sql.size()) {
        const std::size_t end = std::min(sql.find(';', at), sql.size());
        if (!bare(sql.substr(at, end - at)).empty()) query_->emplace_back(sql.substr(at, end - at));
        at = end + 1;
    }
    if (query_->empty()) {
        if (is_interrupted()) return end_query();
        MessageWriter(out_, Backend::EmptyQueryResponse);
        return end_query();
    }
    if (!std::ranges::all_of(*query_, is_understood)) {
        if (!is_interrupted())
            fail("42601", "syntax error at or near \"" + std::string(sql) + "\"");
        return end_query();
    }
    next_statement();
}

void FakeBackend::next_statement() {
    is_extended_ = false;
    const std::string sql = query_->front();
    if (is_interrupted() || !may_run(sql)) return end_query();
    query_->erase(query_->begin());
    Portal portal;
    portal.sql = sql;
    portal.tag = tag_in(sql);
    own(sql);
    copy_portal_.clear();
    run(portal, 0, true);
    if (skips_to_sync_) violation("skips in a simple Query");
    if (query_ && query_->empty() && !copy_) end_query();
}

void FakeBackend::end_query() {
    query_.reset();
    copy_.reset();
    if (is_over_) return;
    if (status_ == TransactionStatus::Idle) commit();
    ready();
}

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
    if (!may_run(sql)) return;
    if (!name.empty() && statements_.contains(name))
        return fail("42P05", "prepared statement \"" + name + "\" already exists");
    own(sql);
    statements_[name] = sql;
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

bool FakeBackend::run(Portal& portal, std::size_t rows_max, bool with_description) {
    const std::string_view sql = bare(portal.sql);
    begin_implicit();
    if (sql == "SELECT error") {
        fail("22012", "division by zero");
        if (query_) end_query();
        return true;
    }
    if (sql.starts_with("SELECT") || sql.starts_with("SHOW")) {
        std::size_t rows = 1;
        std::string text = quoted_in(sql);
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
    } else if (sql.starts_with("SET ")) {
        set(sql);
        complete("SET");
    } else if (sql.starts_with("RESET ")) {
        const std::string name(sql.substr(6));
        parameters_[name] = defaults_[name];
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

// SET name = 'value'; several with a comma are not understood.
void FakeBackend::set(std::string_view sql) {
    sql.remove_prefix(4);
    const std::size_t space = sql.find(' ');
    std::string value;
    const std::string written = quoted_in(sql);
    const bool has_escapes = sql.find("E'") != std::string_view::npos;
    for (std::size_t i = 0; i < written.size(); ++i) {
        if (written[i] == '\'' || (has_escapes && written[i] == '\\')) ++i;
        if (i < written.size()) value += written[i];
    }
    const std::string name(sql.substr(0, space));
    // As PostgreSQL writes it.
    if (name == "DateStyle" && value == "iso") value = "ISO, MDY";
    parameters_[name] = value;
}

bool FakeBackend::may_run(std::string_view sql) {
    if (status_ != TransactionStatus::Failed || ends_transaction(sql)) return true;
    fail(
        "25P02", "current transaction is aborted, commands ignored until end of transaction block"
    );
    return false;
}

void FakeBackend::begin_implicit() {
    if (!before_transaction_) before_transaction_ = parameters_;
}

void FakeBackend::commit() {
    before_transaction_.reset();
    portals_.clear();
}

void FakeBackend::abort() {
    if (before_transaction_) parameters_ = *before_transaction_;
    before_transaction_.reset();
    portals_.clear();
}

void FakeBackend::fail(std::string_view sql_state, std::string_view text) {
    wire::write_error(out_, {wire::Severity::Error, sql_state, text, {}, {}});
    flushed_ = out_.size();
    abort();
    copy_.reset();
    if (status_ == TransactionStatus::InTransaction) status_ = TransactionStatus::Failed;
    if (is_extended_) skips_to_sync_ = true;
    if (query_) query_->clear();
}

void FakeBackend::fatal(std::string_view sql_state, std::string_view text) {
    wire::write_error(out_, {wire::Severity::Fatal, sql_state, text, {}, {}});
    flushed_ = out_.size();
    is_over_ = true;
}

void FakeBackend::ready() {
    report_parameters();
    wire::write_ready_for_query(out_, status_);
    flushed_ = out_.size();
    if (status_ == TransactionStatus::Idle) owner_.clear();
}

void FakeBackend::complete(std::string_view tag) {
    MessageWriter(out_, Backend::CommandComplete).c_string(tag);
}

void FakeBackend::report_parameters() {
    for (const std::string_view view : reported) {
        const std::string name(view);
        const auto known = reported_.find(name);
        if (known != reported_.end() && known->second == parameters_[name]) continue;
        reported_[name] = parameters_[name];
        wire::write_parameter_status(out_, name, parameters_[name]);
    }
}

// The transaction belongs to the first tag that is seen in it.
void FakeBackend::own(std::string_view text) {
    const std::string tag = tag_in(text);
    if (tag.empty()) return;
    if (owner_.empty()) owner_ = tag;
    if (owner_ != tag) violation("a statement of " + tag + " in a transaction of " + owner_);
}

void FakeBackend::violation(std::string text) { violations_.push_back(std::move(text)); }

}  // namespace penstock::test
