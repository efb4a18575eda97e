// Run-time parameters that PostgreSQL reports by itself (ParameterStatus): what each client set and
// what each server has, as small numbers, so that "does this server fit this client" is one
// comparison of a few words.
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

// Reported by PostgreSQL and set by clients: replayed when a client meets a server that differs.
// search_path is reported from PostgreSQL 18 on.
inline constexpr std::array<std::string_view, 8> tracked_parameters{
    "client_encoding",
    "DateStyle",
    "TimeZone",
    "IntervalStyle",
    "application_name",
    "standard_conforming_strings",
    "search_path",
    "default_transaction_read_only",
};
inline constexpr std::size_t replayed_parameters = tracked_parameters.size();
inline constexpr std::size_t application_name_index = 4;

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
    void copy_missing(ValueTable& table, const ParameterSet& other);
    void clear(ValueTable& table);
    ValueId get(std::size_t index) const { return values_[index]; }
    bool operator==(const ParameterSet&) const = default;

 private:
    std::array<ValueId, tracked_parameters.size()> values_{};
};

// Text as a literal of SQL, whatever the session's settings.
void append_literal(std::string& sql, std::string_view text);

// The SET commands that make a server that has `have` fit a client that wants `want`; empty when it
// fits already. A parameter that the client has no value for, or that the server never reported, is
// left alone.
std::string replay_sql(const ValueTable& table, const ParameterSet& have, const ParameterSet& want);
bool fits(const ParameterSet& have, const ParameterSet& want);

// application_name on servers: the proxy's tag, then the client's own name, cut to 63 bytes as
// PostgreSQL does.
std::string tagged_application_name(std::string_view tag, std::string_view client_name);

// The client's own part of an application_name that a server reported: all of it if the client set
// it there itself, what is behind the tag if Penstock did.
std::string_view own_application_name(std::string_view tag, std::string_view name);

}  // namespace penstock::session
