// What a client of the simulation sends.
#include "dataplane/wire/writer.hpp"
#include "tests/support/sim_client.hpp"
#include "tests/support/sim_known.hpp"

#include <algorithm>
#include <array>

namespace penstock::test {
namespace {

using wire::Frontend;
using wire::MessageWriter;
using wire::TransactionStatus;

bool may_change_settings(std::string_view sql) {
    constexpr std::array<std::string_view, 3> words{"SET ", "COMMIT", "ROLLBACK"};
    return std::ranges::any_of(words, [sql](std::string_view word) {
        return sql.find(word) != std::string_view::npos;
    });
}

}  // namespace

void SimClient::send_end() {
    if (chance(20)) {
        end_ = End::Abrupt;
    } else {
        if (chance(70)) raw(message('X', ""));
        end_ = End::Orderly;
    }
}

// In the middle of a batch: no Sync will come for what was executed.
void SimClient::send_unsynced_end() {
    parse("", "/*" + tag_ + "*/INSERT '" + value() + "'");
    bind("", "", "");
    execute("", 0);
    for (std::size_t more = random(3); more > 0; --more) send_unit(false);
    if (chance(30)) empty_message('H');
    send_end();
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
    } else if (kind < 95) {
        return send_unsynced_end();
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
    if (kind < 30) return own_select();
    if (kind < 35 && may_use_literals()) return comment + "SELECT literal '" + value() + "'";
    if (kind < 45) return comment + "INSERT '" + value() + "'";
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

bool SimClient::may_use_literals() const {
    return !known::misses_settings_of_its_batch || !has_set_in_batch_;
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
    if (is_shared && chance(30) && may_use_literals()) sql = "SELECT literal 'shared'";
    if (!is_shared && sql.find("COPY '") == std::string::npos && chance(5))
        sql = "/*" + tag_ + "*/COPY '" + value() + "' TO STDOUT";
    const bool is_known = names_.contains(name);
    const bool is_there = name.empty() ? may_bind_unnamed_ && pending_.empty() : is_known;
    const bool may_reuse = is_there && (may_use_literals() || !literals_.contains(name));
    if (!name.empty() && is_known && chance(25)) close('S', name);
    if (!may_reuse || chance(20)) {
        parse(name, sql);
    } else {
        sql = name.empty() ? unnamed_sql_ : names_[name];
    }
    if (!may_keep && name.empty()) may_bind_unnamed_ = false;
    if (!may_use_literals() && literals_.contains(name)) return;
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
    for (std::size_t i = 0; i < pieces; ++i) {
        std::string row = tag_ + std::string(chance(80) ? random(60) : random(60'000), 'x');
        if (chance(8)) row += "wrong";
        raw(message('d', row));
    }
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
    if (is_in_batch_ && may_change_settings(sql)) has_set_in_batch_ = true;
    raw(message('Q', sql + '\0'));
    may_bind_unnamed_ = false;
}

void SimClient::parse(const std::string& name, const std::string& sql) {
    std::string out;
    MessageWriter(out, Frontend::Parse).c_string(name).c_string(sql).u16(0);
    raw(out);
    is_in_batch_ = true;
    if (may_change_settings(sql)) setters_.insert(name);
    if (sql.find("literal") != std::string::npos) literals_.insert(name);
    if (name.empty()) {
        unnamed_sql_ = sql;
        may_bind_unnamed_ = true;
        names_[""] = sql;
    } else {
        names_[name] = sql;
    }
}

void SimClient::bind(const std::string& portal, const std::string& name, const std::string& sql) {
    if (setters_.contains(name)) has_set_in_batch_ = true;
    is_in_batch_ = true;
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

void SimClient::empty_message(char type) {
    if (type == 'S') has_set_in_batch_ = is_in_batch_ = false;
    raw(message(type, ""));
}

void SimClient::raw(std::string bytes) {
    out_ += bytes;
    pending_.push_back(std::move(bytes));
}

}  // namespace penstock::test
