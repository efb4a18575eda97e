#include "tests/support/fake_postgres.hpp"

#include "dataplane/wire/authentication.hpp"
#include "dataplane/wire/error_response.hpp"
#include "dataplane/wire/writer.hpp"
#include "tests/support/fake_sql.hpp"

#include <algorithm>
#include <array>

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

const std::map<std::string, std::string> other_defaults{
    {"DateStyle", "SQL, MDY"}, {"TimeZone", "America/Lima"}, {"IntervalStyle", "iso_8601"}};

// PostgreSQL's buffer for a socket.
constexpr std::size_t output_bytes_max = 8192;

}  // namespace

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

void FakeBackend::has_other_defaults() {
    for (const auto& [name, value] : other_defaults) parameters_[name] = value;
}

bool FakeBackend::is_default(const std::string& name) const {
    const auto found = defaults_.find(name);
    return found != defaults_.end() && !asked_.contains(name) && parameter(name) == found->second;
}

bool FakeBackend::may_be_default(const std::string& name, const std::string& value) {
    const FakeBackend usual(0, 0, 0);
    const auto other = other_defaults.find(name);
    return usual.parameter(name) == value ||
           (other != other_defaults.end() && other->second == value);
}

void FakeBackend::follow(const std::string& name, const std::string& value) {
    if (asked_.contains(name)) return;
    const auto change = [&](Names& names) {
        if (names[name] == defaults_[name]) names[name] = value;
    };
    change(parameters_);
    if (before_transaction_) change(*before_transaction_);
    reported_[name] = parameters_[name];
    defaults_[name] = value;
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
            parameters_[std::string(name)] = asked_[std::string(name)] = value;
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
    const bool is_query = kind != Frontend::Sync && kind != Frontend::Flush &&
                          kind != Frontend::CopyData && kind != Frontend::CopyDone &&
                          kind != Frontend::CopyFail;
    // A signal that meets no query is forgotten at the next read.
    if (skips_to_sync_ || !is_query) is_cancelled_ = false;
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
    committed_.insert(committed_.end(), inserted_.begin(), inserted_.end());
    inserted_.clear();
    for (const auto& [name, value] : std::exchange(locals_, {})) parameters_[name] = value;
    before_transaction_.reset();
    portals_.clear();
}

void FakeBackend::abort() {
    locals_.clear();
    if (before_transaction_) parameters_ = *before_transaction_;
    before_transaction_.reset();
    inserted_.clear();
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
