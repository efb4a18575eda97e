#include "tests/support/sim_client.hpp"

#include "dataplane/wire/error_response.hpp"
#include "dataplane/wire/writer.hpp"
#include "tests/support/fake_sql.hpp"

#include <utility>

namespace penstock::test {
namespace {

using wire::Frontend;
using wire::MessageWriter;
using wire::TransactionStatus;

std::string shown(const Message& message) {
    std::string text = std::string(1, message.type) + " ";
    for (const char c : message.body.substr(0, 90)) text += c < ' ' ? '.' : c;
    return text;
}

}  // namespace

SimClient::SimClient(
    std::uint32_t number, std::uint64_t seed, const Weather& weather, std::size_t steps
)
    : number_(number),
      tag_("c" + std::to_string(number) + "."),
      weather_(weather),
      random_(seed),
      steps_left_(steps),
      oracle_(number, number, 0),
      ahead_(oracle_) {
    wire::Parameters parameters{{"user", chance(80) ? "app" : "report"}, {"database", "orders"}};
    if (chance(60)) {
        parameters.emplace_back("application_name", tag_ + "app");
        has_own_defaults_ = true;
    }
    if (chance(30)) {
        parameters.emplace_back("TimeZone", chance(50) ? "Europe/Berlin" : "Asia/Tokyo");
        has_own_defaults_ = true;
    }
    if (chance(10)) parameters.emplace_back("extra_float_digits", "1");
    wire::write_startup_message(out_, 0, parameters);
    oracle_.receive(out_);
    oracle_.step();
    for (const Message& message : messages(oracle_.take_all_output())) {
        if (message.type != 'S') continue;
        wire::ByteReader reader(message.body);
        const std::string name(reader.c_string());
        oracle_view_[name] = reader.c_string();
    }
    waits_ = true;
}

std::string SimClient::state_text() const {
    std::string text = tag_ + (is_logged_in_ ? " logged in" : " logging in") +
                       (waits_ ? ", waits" : "") + (is_over() ? ", over" : "") +
                       (oracle_.is_in_copy() ? ", in COPY" : "") + ", pending:";
    for (const std::string& message : pending_) text += message.substr(0, 1);
    text += " expected:";
    for (const Message& message : expected_) text += message.type;
    return text;
}

void SimClient::violation(const std::string& text) {
    if (violation_.empty()) violation_ = "client " + tag_ + ": " + text;
}

void SimClient::receive(std::string_view bytes) {
    in_ += bytes;
    wire::FrameCursor cursor(in_, 0x7fffffff);
    wire::Frame frame;
    while (!cursor.is_empty() && cursor.next(frame) == wire::FrameResult::Whole) {
        check({frame.type, std::string(frame.body)});
        cursor.take(frame);
        if (!violation_.empty()) return;
    }
    in_.erase(0, in_.size() - cursor.rest().size());
    if (is_logged_in_ && waits_ && is_answered()) {
        waits_ = false;
        check_parameters();
    }
}

void SimClient::closed() {
    is_closed_ = true;
    // Inside a message that was forwarded in part no word is possible.
    if (end_ == End::Open && !has_fatal_ && in_.empty()) violation("the link ended without a word");
}

void SimClient::check(const Message& message) {
    ++replies_;
    if (has_fatal_) return violation("a message behind FATAL: " + shown(message));
    if (message.type == 'S') {
        wire::ByteReader reader(message.body);
        const std::string name(reader.c_string());
        view_[name] = reader.c_string();
        return;
    }
    if (message.type == 'N') {
        if (wire::read_error(message.body).message == "chatter") return;
        return violation("an odd notice: " + shown(message));
    }
    if (message.type == 'E') {
        const wire::ErrorFields error = wire::read_error(message.body);
        if (error.is_fatal()) {
            has_fatal_ = true;
            // A login that asks PostgreSQL about its start-up values waits for a server as a query
            // does.
            const bool is_refused_login =
                !is_logged_in_ && weather_.has_refusals && error.sql_state == "53300";
            if (!is_refused_login && !weather_.fatal_states.contains(std::string(error.sql_state)))
                violation("ended by " + shown(message));
            return;
        }
    }
    if (!is_logged_in_) return check_login(message);
    const std::string tag = message.type == 'D' || message.type == 'd' ? tag_in(message.body) : "";
    if (!tag.empty() && tag != tag_) violation("got a row of " + tag + ": " + shown(message));
    if (expected_.empty()) ask_oracle(message);
    if (expected_.empty()) return violation("was told what it did not ask: " + shown(message));
    if (!(expected_.front() == message)) {
        return violation(
            "got       " + shown(message) + "\n  expected: " + shown(expected_.front())
        );
    }
    if (message.type == 'E') may_bind_unnamed_ = false;
    expected_.pop_front();
}

void SimClient::check_login(const Message& message) {
    wire::ByteReader reader(message.body);
    if (message.type == 'K') {
        process_id_ = reader.u32();
        secret_ = reader.u32();
    } else if (message.type == 'Z') {
        is_logged_in_ = true;
    } else if (message.type != 'R') {
        violation("at login: " + shown(message));
    }
}

// Is it an error that the oracle cannot know of?
bool SimClient::may_be_planned(const Message& message) const {
    if (message.type != 'E') return false;
    const wire::ErrorFields error = wire::read_error(message.body);
    if (error.sql_state == "57014")
        return error.message == "canceling statement due to user request";
    return weather_.has_refusals && error.sql_state == "53300";
}

// Runs the oracle up to its next reply.
void SimClient::ask_oracle(const Message& message) {
    const bool is_planned = may_be_planned(message);
    if (is_planned) {
        const wire::ErrorFields error = wire::read_error(message.body);
        if (error.sql_state == "57014" && ++cancels_felt_ > cancels_asked_)
            return violation("was cancelled and nobody asked for it");
        // A COPY has read the Sync in front of its data before it can be interrupted.
        while (oracle_.is_in_copy() && !pending_.empty() &&
               (pending_.front().front() == 'S' || pending_.front().front() == 'H')) {
            oracle_.receive(pending_.front());
            pending_.pop_front();
            oracle_.step();
        }
        oracle_.fail_next(error.sql_state, error.message);
    }
    std::string said = oracle_.take_all_output();
    while (said.empty()) {
        if (!oracle_.has_work()) {
            if (pending_.empty()) return;
            oracle_.receive(pending_.front());
            pending_.pop_front();
        }
        if (oracle_.has_work()) oracle_.step();
        said = oracle_.take_all_output();
    }
    for (Message& reply : messages(said)) {
        if (reply.type == 'S') {
            wire::ByteReader reader(reply.body);
            const std::string name(reader.c_string());
            oracle_view_[name] = reader.c_string();
        } else {
            expected_.push_back(std::move(reply));
        }
    }
    // A refusal has words of its own in its detail.
    if (is_planned && !expected_.empty() && expected_.front().type == 'E') {
        const wire::ErrorFields ours = wire::read_error(expected_.front().body);
        const wire::ErrorFields theirs = wire::read_error(message.body);
        if (ours.sql_state == theirs.sql_state && ours.message == theirs.message)
            expected_.front() = message;
    }
}

// Has PostgreSQL nothing more to say to what was sent?
bool SimClient::is_answered() {
    if (!expected_.empty()) return false;
    FakeBackend ahead = oracle_;
    for (const std::string& message : pending_) ahead.receive(message);
    while (ahead.has_work()) {
        ahead.step();
        if (!ahead.take_output().empty()) return false;
    }
    ahead_ = ahead;
    // With answers held back the real server may still fail at what the oracle would have run.
    if (ahead.take_all_output().empty()) {
        oracle_ = ahead;
        pending_.clear();
    }
    return true;
}

void SimClient::check_parameters() {
    if (ahead_.status() != TransactionStatus::Idle || needs_end_) return;
    for (const auto& [name, value] : oracle_view_) {
        if (view_[name] == value) continue;
        return violation(
            "parameter " + name + " is '" + view_[name] + "', PostgreSQL would say '" + value + "'"
        );
    }
}

bool SimClient::act() {
    if (is_over() || has_fatal_ || !is_logged_in_ || waits_) return false;
    if (ahead_.is_in_copy()) {
        ahead_ = oracle_;
        send_copy_data();
    } else if (needs_end_) {
        // The rest of a batch of which the first part was flushed.
        if (chance(50)) send_unit(false);
        empty_message('S');
        needs_end_ = false;
        waits_ = true;
    } else if (steps_left_ == 0) {
        send_end();
    } else {
        --steps_left_;
        send_batch();
    }
    // What is held back until a Sync is not waited for.
    if (waits_ && is_answered()) waits_ = false;
    return true;
}

void SimClient::send_end() {
    if (chance(20)) {
        end_ = End::Abrupt;
    } else {
        raw(message('X', ""));
        end_ = End::Orderly;
    }
}

void SimClient::send_batch() {
    const std::uint64_t kind = random(100);
    if (kind < 35) {
        send_simple();
    } else if (kind < 80) {
        send_extended();
    } else if (kind < 88) {
        send_copy_in();
    } else if (kind < 92) {
        send_function_call();
    } else if (kind < 94 && !has_own_defaults_) {
        query(chance(50) ? "DISCARD ALL" : "DEALLOCATE ALL");
        waits_ = true;
        names_.clear();
        return;
    } else if (kind < 96) {
        // Goodbye in the middle of things, what was sent before included.
        send_extended();
        return send_end();
    } else if (kind < 98) {
        // Part of a message, then nothing.
        std::string whole = message('Q', "/*" + tag_ + "*/SELECT '" + tag_ + "'" + '\0');
        out_ += whole.substr(0, 1 + random(whole.size() - 1));
        end_ = End::Abrupt;
        return;
    } else {
        query("BEGIN");
    }
    if (chance(70) || pending_.size() > 40) waits_ = true;
}

std::string SimClient::value() { return tag_ + std::to_string(++numbered_); }

std::string SimClient::own_select() { return "/*" + tag_ + "*/SELECT '" + value() + "'"; }

std::string SimClient::statement() {
    const std::string comment = "/*" + tag_ + "*/";
    const bool is_in_block = ahead_.status() != TransactionStatus::Idle;
    if (is_in_block && chance(35)) return comment + (chance(60) ? "COMMIT" : "ROLLBACK");
    const std::uint64_t kind = random(100);
    if (kind < 45) return own_select();
    if (kind < 53)
        return comment + "SELECT rows " + std::to_string(chance(90) ? 7 : 3000) + " '" + value() +
               "'";
    if (kind < 60) return comment + "SELECT error";
    if (kind < 64) return comment + "NONSENSE";
    if (kind < 74) return comment + "BEGIN";
    if (kind < 80) {
        constexpr const char* names[] = {
            "DateStyle", "TimeZone", "application_name", "IntervalStyle"};
        constexpr const char* values[] = {"iso", "one", "two", "c\\3"};
        return comment + "SET " + names[random(4)] + " = '" + values[random(4)] + "'";
    }
    if (kind < 88) {
        constexpr const char* names[] = {"DateStyle", "TimeZone", "IntervalStyle"};
        return comment + "SHOW " + names[random(3)];
    }
    if (kind < 94) return comment + "COPY '" + value() + "' TO STDOUT";
    return comment;
}

void SimClient::send_simple() {
    const std::size_t queries = chance(80) ? 1 : 1 + random(4);
    for (std::size_t i = 0; i < queries; ++i) {
        std::string sql = statement();
        while (chance(20)) sql += ";" + statement();
        query(sql);
    }
}

void SimClient::send_extended() {
    const std::size_t syncs = chance(70) ? 1 : 1 + random(3);
    for (std::size_t i = 0; i < syncs; ++i) {
        const std::size_t units = 1 + random(3);
        for (std::size_t unit = 0; unit < units; ++unit) send_unit(true);
        if (i + 1 == syncs && chance(15)) {
            empty_message('H');
            needs_end_ = true;
            waits_ = true;
            return;
        }
        if (chance(5)) empty_message('H');
        if (chance(3)) query(statement());
        empty_message('S');
    }
    if (chance(2)) empty_message('S');
}

// One statement's way: Parse, Describe, Bind, Execute, Close, with parts left out.
void SimClient::send_unit(bool may_keep) {
    constexpr const char* statement_names[] = {"s1", "s2", "s3", "penstock_1"};
    constexpr const char* portal_names[] = {"", "", "", "p1"};
    const std::string portal = portal_names[random(4)];
    std::string name = chance(40) ? "" : statement_names[random(4)];
    const bool is_shared = chance(60);
    std::string sql =
        is_shared ? (chance(80) ? "SELECT $1" : "SELECT rows 5 'shared'") : statement();
    if (!is_shared && sql.find("COPY '") == std::string::npos && chance(5))
        sql = "/*" + tag_ + "*/COPY '" + value() + "' TO STDOUT";
    const bool is_known = names_.contains(name);
    const bool may_reuse = name.empty() ? may_bind_unnamed_ && pending_.empty() : is_known;
    if (!name.empty() && is_known && chance(25)) close('S', name);
    if (!may_reuse || chance(20)) {
        parse(name, sql);
    } else {
        sql = name.empty() ? unnamed_sql_ : names_[name];
    }
    if (!may_keep && name.empty()) may_bind_unnamed_ = false;
    if (chance(25)) describe('S', name);
    if (chance(5)) return;
    if (chance(2)) name = "unknown";
    bind(portal, name, sql);
    if (chance(30)) describe('P', portal);
    if (chance(5)) return;
    if (chance(15)) execute(portal, 2);
    execute(portal, chance(80) ? 0 : 3);
    if (chance(8)) close(chance(50) ? 'S' : 'P', chance(50) ? name : portal);
}

void SimClient::send_copy_in() {
    const std::string sql = "/*" + tag_ + "*/COPY t FROM STDIN";
    if (chance(50)) {
        query(chance(80) ? sql : sql + ";" + own_select());
    } else {
        parse("", sql);
        bind("", "", sql);
        execute("", 0);
        may_bind_unnamed_ = false;
        // libpq sends this Sync before it knows that it has begun a COPY.
        empty_message(chance(70) ? 'S' : 'H');
        needs_end_ = true;
    }
    if (chance(30)) {
        send_copy_data();
        // Not knowing whether the COPY began.
        if (needs_end_) empty_message('S');
        needs_end_ = false;
    }
    waits_ = true;
}

void SimClient::send_copy_data() {
    const std::size_t pieces = random(5);
    for (std::size_t i = 0; i < pieces; ++i)
        raw(message('d', tag_ + std::string(chance(90) ? random(60) : random(60'000), 'x')));
    if (chance(5)) {
        end_ = chance(50) ? End::Abrupt : End::Orderly;
        return;
    }
    if (chance(75)) {
        raw(message('c', ""));
    } else {
        raw(message('f', std::string("no more") + '\0'));
    }
    waits_ = true;
}

void SimClient::send_function_call() {
    std::string out;
    const std::string text = value();
    MessageWriter(out, Frontend::FunctionCall)
        .u32(static_cast<std::uint32_t>(random(3)))
        .u16(0)
        .u16(1)
        .u32(static_cast<std::uint32_t>(text.size()))
        .bytes(text)
        .u16(0);
    raw(out);
}

void SimClient::query(const std::string& sql) {
    raw(message('Q', sql + '\0'));
    may_bind_unnamed_ = false;
}

void SimClient::parse(const std::string& name, const std::string& sql) {
    std::string out;
    MessageWriter(out, Frontend::Parse).c_string(name).c_string(sql).u16(0);
    raw(out);
    if (name.empty()) {
        unnamed_sql_ = sql;
        may_bind_unnamed_ = true;
        names_[""] = sql;
    } else {
        names_[name] = sql;
    }
}

void SimClient::bind(const std::string& portal, const std::string& name, const std::string& sql) {
    std::string out;
    {
        MessageWriter writer(out, Frontend::Bind);
        writer.c_string(portal).c_string(name).u16(0);
        if (sql.find("$1") != std::string::npos) {
            const std::string text = value() + std::string(chance(95) ? 0 : random(20'000), 'y');
            writer.u16(1).u32(static_cast<std::uint32_t>(text.size())).bytes(text);
        } else {
            writer.u16(0);
        }
        writer.u16(0);
    }
    raw(out);
}

void SimClient::describe(char kind, const std::string& name) {
    raw(message('D', std::string(1, kind) + name + '\0'));
}

void SimClient::close(char kind, const std::string& name) {
    raw(message('C', std::string(1, kind) + name + '\0'));
}

void SimClient::execute(const std::string& portal, std::uint32_t rows_max) {
    std::string out;
    MessageWriter(out, Frontend::Execute).c_string(portal).u32(rows_max);
    raw(out);
}

void SimClient::empty_message(char type) { raw(message(type, "")); }

void SimClient::raw(std::string bytes) {
    out_ += bytes;
    pending_.push_back(std::move(bytes));
}

}  // namespace penstock::test
