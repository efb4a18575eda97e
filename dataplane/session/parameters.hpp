// Run-time parameters that PostgreSQL reports by itself (ParameterStatus): what each client was
// told and each server has, as small numbers, so that "does this server fit this client" is one
// comparison of a few words.
//
// A client owns only what it asked for, at start-up or by SET: a server that differs is set to it.
// All else follows the server that serves it, and the client is told where that differs.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace penstock::session {

struct StringHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
        return std::hash<std::string_view>{}(text);
    }
};
template <class T>
using StringMap = std::unordered_map<std::string, T, StringHash, std::equal_to<>>;

// Those that clients set come first: they are replayed. search_path is reported from PostgreSQL 18
// on, scram_iterations from 16 on. The others are followed.
inline constexpr std::array<std::string_view, 15> tracked_parameters{
    "client_encoding",
    "DateStyle",
    "TimeZone",
    "IntervalStyle",
    "application_name",
    "standard_conforming_strings",
    "search_path",
    "default_transaction_read_only",
    "scram_iterations",
    "in_hot_standby",
    "is_superuser",
    "session_authorization",
    "server_version",
    "server_encoding",
    "integer_datetimes",
};
inline constexpr std::size_t replayed_parameters = 9;
inline constexpr std::size_t application_name_index = 4;
inline constexpr std::size_t conforming_index = 5;  // standard_conforming_strings

// Some of the tracked parameters.
class ParameterMask {
 public:
    void set(std::size_t index, bool is_in = true) {
        const auto bit = static_cast<std::uint16_t>(1U << index);
        bits_ = static_cast<std::uint16_t>(is_in ? bits_ | bit : bits_ & ~bit);
    }
    bool has(std::size_t index) const { return (bits_ >> index & 1U) != 0; }
    bool is_empty() const { return bits_ == 0; }
    bool is_within(ParameterMask other) const { return (bits_ & ~other.bits_) == 0; }
    ParameterMask without(ParameterMask other) const {
        ParameterMask rest;
        rest.bits_ = static_cast<std::uint16_t>(bits_ & ~other.bits_);
        return rest;
    }
    void clear() { bits_ = 0; }
    bool operator==(const ParameterMask&) const = default;

 private:
    std::uint16_t bits_ = 0;
};

// Names are compared without case, as PostgreSQL does.
std::optional<std::size_t> tracked_index(std::string_view name);

using ValueId = std::uint32_t;
inline constexpr ValueId no_value = 0;  // never reported, never set

// The distinct values in one worker, counted.
class ValueTable {
 public:
    ValueTable() : entries_(1) {}
    ValueId add(std::string_view text);
    void add_reference(ValueId id);
    void release(ValueId id);
    // Holds until the last reference is released.
    std::string_view text(ValueId id) const { return entries_[id].text; }
    std::size_t size() const { return ids_.size(); }

 private:
    struct Entry {
        std::string text;
        std::uint32_t references = 0;
    };
    std::vector<Entry> entries_;  // [0] is no_value
    std::vector<ValueId> free_;
    StringMap<ValueId> ids_;
};

// One client's or server's values. The owner must call clear() before it goes.
class ParameterSet {
 public:
    void set(ValueTable& table, std::size_t index, std::string_view text);
    void clear(ValueTable& table);
    ValueId get(std::size_t index) const { return values_[index]; }
    bool operator==(const ParameterSet&) const = default;

 private:
    std::array<ValueId, tracked_parameters.size()> values_{};
};

// A server's side: its values, and which of them were set in its session.
struct ServerParameters {
    ParameterSet values;
    ParameterMask set;
};

// A client's side: what it was told, and which of that it asked for.
struct ClientParameters {
    ParameterSet told;
    ParameterMask asked;
};

// May the server serve the client as it is, with nothing to tell?
inline bool fits(const ServerParameters& server, const ClientParameters& client) {
    return server.values == client.told && server.set.is_within(client.asked);
}

// The commands that make the server fit the client, and what is set in its session behind them:
// what the client asked for is SET, what it did not ask for is RESET. Empty: nothing need be sent.
// A parameter that the server never reported is left alone.
std::string fitting_sql(
    const ValueTable& table,
    const ServerParameters& server,
    const ClientParameters& client,
    ParameterMask& set_behind
);

// The text in quotes, as a literal that means the same under every setting.
void append_literal(std::string& sql, std::string_view text);

// "RESET name;" for each.
std::string resetting_sql(ParameterMask set);

// "RESET name;SET name = 'value';": what PostgreSQL makes of a start-up value, which may be
// relative to the session's default.
void append_startup_sql(std::string& sql, std::size_t index, std::string_view value);

// Answers with one row of text that changes when the settings change that ALTER ROLE and ALTER
// DATABASE have given to this role in this database: new sessions get them, old ones do not.
extern const std::string_view fingerprint_sql;

// A name as PostgreSQL keeps it: cut to 63 bytes at a character's end, then made ASCII in the way
// of that version. (In the manual, "application_name".)
std::string clean_application_name(
    std::string_view name, bool is_utf8, bool is_escaped_in_hexadecimal
);

// application_name on servers: the proxy's tag, then the client's own name, cut to 63 bytes as
// PostgreSQL does.
std::string tagged_application_name(std::string_view tag, std::string_view client_name);

}  // namespace penstock::session
