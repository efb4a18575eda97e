// Prepared statements in transaction pooling: what clients call them, what servers know.
//
// A statement is its text and its parameter types (the bytes of a Parse message behind the name).
// Each distinct one has an id in its worker's StatementTable and the name `penstock_ID` on servers,
// so that clients that prepare the same statement share it and clients that use the same name for
// different statements do not disturb each other.
#pragma once

#include "dataplane/session/statement_text.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

namespace penstock::session {

using StatementId = std::uint64_t;
inline constexpr StatementId no_statement = 0;

struct StringHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
        return std::hash<std::string_view>{}(text);
    }
};
template <class T>
using StringMap = std::unordered_map<std::string, T, StringHash, std::equal_to<>>;

// All statements that clients of one worker have names for. An id is never used again.
class StatementTable {
 public:
    // The id of this statement, with one more reference. definition: Parse's body behind the name.
    StatementId add(std::string_view definition);
    // Its id, or no_statement if nobody has a name for it.
    StatementId find(std::string_view definition) const;
    void add_reference(StatementId id);
    void release(StatementId id);
    // Requires: a reference is held. Holds until the last one is released.
    std::string_view definition(StatementId id) const;
    // Requires: a reference is held.
    TextLook look(StatementId id) const { return by_id_.at(id).look; }
    std::size_t size() const { return by_id_.size(); }

 private:
    struct Entry {
        std::string_view definition;  // the key in by_definition_
        std::uint32_t references = 0;
        TextLook look;  // at its text
    };
    StringMap<StatementId> by_definition_;
    std::unordered_map<StatementId, Entry> by_id_;
    StatementId last_ = no_statement;
};

// definition: Parse's body behind the name.
TextLook look_at_definition(std::string_view definition);

// One client's names. Holds a reference for each; the owner must call clear() before it goes.
class ClientStatements {
 public:
    StatementId find(std::string_view name) const;
    // Requires: the name is free. Takes over one reference.
    void add(std::string_view name, StatementId id) { names_.emplace(name, id); }
    // One of its names for the statement; empty if it has none. Holds until the next change. Slow.
    std::string_view name_of(StatementId id) const;
    // The reference goes to the caller. no_statement: there is none.
    StatementId take(std::string_view name);
    void clear(StatementTable& table);

 private:
    StringMap<StatementId> names_;
};

// What one server has prepared, as far as what was sent to it will succeed; least recently used
// first out.
class ServerStatements {
 public:
    bool has(StatementId id) const { return used_.contains(id); }
    bool touch(StatementId id);
    void add(StatementId id) { used_[id] = ++clock_; }
    void remove(StatementId id) { used_.erase(id); }
    // The one to close before another is added, or no_statement while there is room.
    StatementId victim(std::size_t statements_max) const;
    void clear() { used_.clear(); }
    bool is_empty() const { return used_.empty(); }

 private:
    std::unordered_map<StatementId, std::uint64_t> used_;
    std::uint64_t clock_ = 0;
};

// The name on servers: "penstock_" and the id, in a fixed buffer.
class ServerStatementName {
 public:
    explicit ServerStatementName(StatementId id);
    std::string_view text() const { return {text_, size_}; }

 private:
    char text_[32];
    std::size_t size_ = 0;
};

// The statement whose name on servers stands in a message of the server's, or no_statement.
StatementId statement_named_in(std::string_view message);

}  // namespace penstock::session
