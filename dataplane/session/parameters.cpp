#include "dataplane/session/parameters.hpp"

#include "crds/api/check.hpp"

#include <algorithm>

namespace penstock::session {
namespace {

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

void ParameterSet::copy_missing(ValueTable& table, const ParameterSet& other) {
    for (std::size_t i = 0; i < values_.size(); ++i) {
        if (values_[i] == no_value && other.values_[i] != no_value)
            set(table, i, table.text(other.values_[i]));
    }
}

void ParameterSet::clear(ValueTable& table) {
    for (ValueId& value : values_) {
        table.release(value);
        value = no_value;
    }
}

bool fits(const ParameterSet& have, const ParameterSet& want) {
    if (have == want) return true;
    for (std::size_t i = 0; i < tracked_parameters.size(); ++i) {
        if (want.get(i) != have.get(i) && want.get(i) != no_value && have.get(i) != no_value)
            return false;
    }
    return true;
}

std::string replay_sql(
    const ValueTable& table, const ParameterSet& have, const ParameterSet& want
) {
    std::string sql;
    for (std::size_t i = 0; i < tracked_parameters.size(); ++i) {
        if (want.get(i) == have.get(i) || want.get(i) == no_value || have.get(i) == no_value)
            continue;
        sql.append("SET ").append(tracked_parameters[i]).append(" = ");
        append_value(sql, i, table.text(want.get(i)));
        sql += ';';
    }
    return sql;
}

std::string tagged_application_name(std::string_view tag, std::string_view client_name) {
    constexpr std::size_t name_bytes_max = 63;  // NAMEDATALEN - 1
    std::string name(tag);
    if (!client_name.empty()) name.append(" ").append(client_name);
    if (name.size() > name_bytes_max) name.resize(name_bytes_max);
    return name;
}

std::string_view own_application_name(std::string_view tag, std::string_view name) {
    if (!name.starts_with(tag)) return name;
    name.remove_prefix(tag.size());
    if (name.starts_with(' ')) name.remove_prefix(1);
    return name;
}

}  // namespace penstock::session
