#include "dataplane/session/parameters.hpp"

#include "crds/api/check.hpp"

#include <algorithm>

namespace penstock::session {
namespace {

constexpr std::size_t name_bytes_max = 63;  // NAMEDATALEN - 1

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

bool same_name(std::string_view a, std::string_view b) {
    return std::ranges::equal(a, b, {}, lower, lower);
}

// search_path is reported as a list that is quoted already: a literal would make one name of it.
void append_value(std::string& sql, std::size_t index, std::string_view text) {
    if (tracked_parameters[index] == "search_path") {
        sql += text.empty() ? std::string_view("''") : text;
    } else {
        append_literal(sql, text);
    }
}

}  // namespace

void append_literal(std::string& sql, std::string_view text) {
    // E'' is understood whatever standard_conforming_strings says.
    const bool has_backslash = text.find('\\') != std::string_view::npos;
    sql += has_backslash ? " E'" : "'";
    for (const char c : text) {
        if (c == '\'' || c == '\\') sql += c;
        sql += c;
    }
    sql += '\'';
}

std::optional<std::size_t> tracked_index(std::string_view name) {
    for (std::size_t i = 0; i < tracked_parameters.size(); ++i) {
        if (same_name(tracked_parameters[i], name)) return i;
    }
    return std::nullopt;
}

ValueId ValueTable::add(std::string_view text) {
    const auto found = ids_.find(text);
    if (found != ids_.end()) {
        ++entries_[found->second].references;
        return found->second;
    }
    ValueId id = 0;
    if (free_.empty()) {
        id = static_cast<ValueId>(entries_.size());
        entries_.emplace_back();
    } else {
        id = free_.back();
        free_.pop_back();
    }
    entries_[id] = {std::string(text), 1};
    ids_.emplace(text, id);
    return id;
}

void ValueTable::add_reference(ValueId id) {
    if (id != no_value) ++entries_[id].references;
}

void ValueTable::release(ValueId id) {
    if (id == no_value) return;
    CHECK(entries_[id].references > 0);
    if (--entries_[id].references > 0) return;
    ids_.erase(ids_.find(entries_[id].text));
    entries_[id].text.clear();
    free_.push_back(id);
}

void ParameterSet::set(ValueTable& table, std::size_t index, std::string_view text) {
    const ValueId old = values_[index];
    if (old != no_value && table.text(old) == text) return;
    values_[index] = table.add(text);
    table.release(old);
}

void ParameterSet::clear(ValueTable& table) {
    for (ValueId& value : values_) {
        table.release(value);
        value = no_value;
    }
}

std::string fitting_sql(
    const ValueTable& table,
    const ServerParameters& server,
    const ClientParameters& client,
    ParameterMask& set_behind
) {
    std::string sql;
    set_behind = server.set;
    for (std::size_t i = 0; i < replayed_parameters; ++i) {
        const ValueId wanted = client.told.get(i);
        if (server.values.get(i) == no_value) continue;
        if (!client.asked.has(i)) {
            if (!server.set.has(i)) continue;
            sql.append("RESET ").append(tracked_parameters[i]).append(";");
            set_behind.set(i, false);
        } else if (wanted != no_value && wanted != server.values.get(i)) {
            sql.append("SET ").append(tracked_parameters[i]).append(" = ");
            append_value(sql, i, table.text(wanted));
            sql += ';';
            set_behind.set(i);
        }
    }
    return sql;
}

std::string resetting_sql(ParameterMask set) {
    std::string sql;
    for (std::size_t i = 0; i < replayed_parameters; ++i) {
        if (set.has(i)) sql.append("RESET ").append(tracked_parameters[i]).append(";");
    }
    return sql;
}

void append_startup_sql(std::string& sql, std::size_t index, std::string_view value) {
    const std::string_view name = tracked_parameters[index];
    sql.append("RESET ").append(name).append(";SET ").append(name).append(" = ");
    append_value(sql, index, value);
    sql += ';';
}

// A row's xmin changes with the row. The operators are named with their schema: a role's
// search_path may hide pg_catalog.
const std::string_view fingerprint_sql =
    "SELECT pg_catalog.string_agg(s.setdatabase::pg_catalog.text OPERATOR(pg_catalog.||) ' ' "
    "OPERATOR(pg_catalog.||) s.xmin::pg_catalog.text, ',') FROM pg_catalog.pg_db_role_setting s "
    "WHERE s.setdatabase OPERATOR(pg_catalog.=) ANY (ARRAY[0::pg_catalog.oid, (SELECT d.oid FROM "
    "pg_catalog.pg_database d WHERE d.datname OPERATOR(pg_catalog.=) "
    "pg_catalog.current_database())]) AND s.setrole OPERATOR(pg_catalog.=) ANY "
    "(ARRAY[0::pg_catalog.oid, (SELECT r.oid FROM pg_catalog.pg_roles r WHERE r.rolname "
    "OPERATOR(pg_catalog.=) SESSION_USER)])";

std::string clean_application_name(
    std::string_view name, bool is_utf8, bool is_escaped_in_hexadecimal
) {
    std::size_t end = 0;
    while (end < name.size()) {
        const auto lead = static_cast<unsigned char>(name[end]);
        std::size_t size = 1;
        if (is_utf8 && lead >= 0xc0) size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
        if (end + size > name_bytes_max) break;
        end += size;
    }
    std::string clean;
    for (const char c : name.substr(0, end)) {
        constexpr std::string_view digits = "0123456789abcdef";
        const auto byte = static_cast<unsigned char>(c);
        if (byte >= 32 && byte <= 126) {
            clean += c;
        } else if (is_escaped_in_hexadecimal) {
            clean.append("\\x").append({digits[byte >> 4U], digits[byte & 15U]});
        } else {
            clean += '?';
        }
    }
    return clean;
}

std::string tagged_application_name(std::string_view tag, std::string_view client_name) {
    std::string name(tag);
    if (!client_name.empty()) name.append(" ").append(client_name);
    if (name.size() > name_bytes_max) name.resize(name_bytes_max);
    return name;
}

}  // namespace penstock::session
