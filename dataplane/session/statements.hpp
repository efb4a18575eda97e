// Prepared statements in transaction pooling: what clients call them, what servers know.
//
// A statement is its text, its parameter types (both: the bytes of a Parse message behind the
// name) and its Origin. Each distinct one has an id in its worker's StatementTable and a name on
// servers, so that clients that prepare the same statement share it and clients that use the same
// name for different statements do not disturb each other.
#pragma once

#include "dataplane/session/parameters.hpp"
#include "dataplane/session/statement_command.hpp"
#include "dataplane/session/statement_text.hpp"
#include "dataplane/wire/error_response.hpp"

#include <array>
#include <cstdint>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>

namespace penstock::session {

using StatementId = std::uint64_t;
inline constexpr StatementId no_statement = 0;
// The statement without a command: parsing it succeeds in any state of a session. Always known,
// and by more than one id where a text needs more than one of them.
inline constexpr StatementId empty_statement = ~StatementId{0};
inline constexpr std::size_t empty_statements = 64;
constexpr bool is_empty_one(StatementId id) { return id > empty_statement - empty_statements; }

// The parameters by which PostgreSQL reads a statement's text, so that literals and names are what
// they were when the statement was parsed. By index, since every Parse asks for each.
inline constexpr auto fixed_at_parse = [] {
    constexpr std::array<std::string_view, 7> names{
        "client_encoding",
        "DateStyle",
        "TimeZone",
        "IntervalStyle",
        "standard_conforming_strings",
        "search_path",
        "session_authorization"};
    std::array<std::size_t, names.size()> indices{};
    for (std::size_t i = 0; i < names.size(); ++i) {
        while (tracked_parameters[indices[i]] != names[i]) ++indices[i];
    }
    return indices;
}();

// Under what a statement is parsed. A plain value: who keeps one must hold its settings' values.
struct Origin {
    std::array<ValueId, tracked_parameters.size()> settings{};  // those that are fixed at Parse
    std::uint64_t alteration = 0;  // which parameters that are not reported were set; 0: none
    // Of a command that names a statement: which one that is; none: sent as it is written.
    StatementId named = no_statement;

    bool operator==(const Origin&) const = default;
};

// The definition of a command that names a statement, with the server's name for that one in it.
std::string definition_naming(
    std::string_view definition, const StatementCommand& command, std::string_view server_name
);

// The query that makes a session with the settings of `from` one with those of `to`, until its
// transaction ends; empty if they are the same.
std::string settings_sql(const ValueTable& values, const Origin& from, const Origin& to);

// How positions in that differ from those in the client's text.
wire::PositionShift shift_of(
    std::string_view definition, const StatementCommand& command, std::string_view server_name
);
// Of UTF-8; each byte of another encoding counts.
std::int32_t characters(std::string_view text);

// All statements that clients of one worker have names for. An id is never used again.
class StatementTable {
 public:
    // values: of the origins' settings; must outlive the table's use.
    explicit StatementTable(ValueTable& values) : values_(values) {}

    // The id of this statement, with one more reference. definition: Parse's body behind the name.
    StatementId add(std::string_view definition, const Origin& origin);
    // Its id, or no_statement if nobody has a name for it.
    StatementId find(std::string_view definition, const Origin& origin) const;
    void add_reference(StatementId id);
    void release(StatementId id);
    // Require: a reference is held. Hold until the last one is released.
    std::string_view definition(StatementId id) const;
    const Origin& origin(StatementId id) const;
    std::size_t size() const { return by_id_.size(); }
    // Of all texts, each once.
    std::size_t bytes() const { return bytes_; }

 private:
    struct Entry {
        std::string_view definition;  // the key in by_definition_
        Origin origin;
        std::uint32_t references = 0;
        StatementId next = no_statement;  // the same definition, of another origin
    };
    ValueTable& values_;
    StringMap<StatementId> by_definition_;  // the first one of each chain
    std::unordered_map<StatementId, Entry> by_id_;
    StatementId last_ = no_statement;
    std::size_t bytes_ = 0;
    Origin empty_origin_;
};

// One client's name for a statement.
struct StatementName {
    StatementId id = no_statement;
    std::uint64_t number = 0;  // of this use of the name: never again this client's
    TextLook look = {};        // at its text
    std::size_t bytes = 0;     // of its text
};

// definition: Parse's body behind the name.
TextLook look_at_definition(std::string_view definition);

// One client's names. Holds a reference for each; the owner must call clear() before it goes.
class ClientStatements {
 public:
    // Its id is no_statement if there is none.
    StatementName find(std::string_view name) const;
    // Requires: the name is free. Takes over one reference.
    StatementName add(
        std::string_view name, StatementId id, TextLook look = {}, std::size_t bytes = 0
    );
    // Gives a name back that take() took. Requires: the name is free.
    void put_back(std::string_view name, const StatementName& statement) {
        names_.emplace(name, statement);
        bytes_ += statement.bytes;
    }
    // The name stands for another one now: takes over one reference and gives back that of before.
    // Requires: the name is taken.
    StatementId change(std::string_view name, StatementId id);
    // The reference goes to the caller.
    StatementName take(std::string_view name);
    struct Found {
        std::string_view name;  // empty: nothing has this number; holds until the next change
        StatementId id = no_statement;
    };
    Found find_number(std::uint64_t number) const;  // slow
    void clear(StatementTable& table);
    // All names with their references; their numbers are not given out again.
    ClientStatements take_all();
    void put_all_back(ClientStatements&& all, StatementTable& table);
    bool is_empty() const { return names_.empty(); }
    // Of all its statements' texts.
    std::size_t bytes() const { return bytes_; }

 private:
    StringMap<StatementName> names_;
    std::size_t bytes_ = 0;
    std::uint64_t last_ = 0;
};

// What one server has prepared, as far as what was sent to it will succeed; least recently used
// first out.
class ServerStatements {
 public:
    bool has(StatementId id) const { return used_.contains(id); }
    // Is it there as it should be? Then it is used now.
    bool touch(StatementId id);
    void add(StatementId id);
    void remove(StatementId id);
    // It is there, but must be closed and prepared anew before it is used.
    void spoil(StatementId id);
    // The one to close before another is added, or no_statement while there is room.
    StatementId victim(std::size_t statements_max) const {
        return order_.empty() || order_.size() < statements_max ? no_statement : order_.back().id;
    }
    void clear();
    bool is_empty() const { return order_.empty(); }

 private:
    struct Use {
        StatementId id = no_statement;
        bool is_spoilt = false;
    };
    std::list<Use> order_;  // the latest first
    std::unordered_map<StatementId, std::list<Use>::iterator> used_;
};

// The name on servers: the worker's prefix, which nobody can guess, and the id.
class ServerStatementName {
 public:
    static constexpr std::size_t prefix_bytes_max = 32;
    // Requires: the prefix is not longer than that.
    ServerStatementName(std::string_view prefix, StatementId id);
    std::string_view text() const { return {text_, size_}; }

 private:
    char text_[prefix_bytes_max + 24];
    std::size_t size_ = 0;
};

}  // namespace penstock::session
