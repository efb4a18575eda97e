#include "dataplane/session/statements.hpp"

#include "crds/api/check.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <utility>

namespace penstock::session {
namespace {

// An empty text without parameter types.
constexpr std::string_view empty_definition("\0\0\0", 3);

}  // namespace

std::string settings_sql(const ValueTable& values, const Origin& from, const Origin& to) {
    std::string sql;
    for (std::size_t i = 0; i < replayed_parameters; ++i) {
        const ValueId value = to.settings[i];
        if (value == from.settings[i] || value == no_value || from.settings[i] == no_value)
            continue;
        sql += sql.empty() ? "SELECT " : ", ";
        sql.append("pg_catalog.set_config('").append(tracked_parameters[i]).append("',");
        append_literal(sql, values.text(value));
        sql += ",true)";
    }
    return sql;
}

std::string definition_naming(
    std::string_view definition, const StatementCommand& command, std::string_view server_name
) {
    std::string sent(definition.substr(0, command.name_at));
    sent += server_name;
    sent += definition.substr(command.name_at + command.name_size);
    return sent;
}

wire::PositionShift shift_of(
    std::string_view definition, const StatementCommand& command, std::string_view server_name
) {
    return {
        characters(definition.substr(0, command.name_at)),
        static_cast<std::int32_t>(server_name.size()) -
            characters(definition.substr(command.name_at, command.name_size)),
    };
}

std::int32_t characters(std::string_view text) {
    std::int32_t count = 0;
    for (const char c : text) {
        if ((static_cast<unsigned char>(c) & 0xc0) != 0x80) ++count;
    }
    return count;
}

TextLook look_at_definition(std::string_view definition) {
    return look_at(definition.substr(0, definition.find('\0')));
}

StatementId StatementTable::find(std::string_view definition, const Origin& origin) const {
    const auto found = by_definition_.find(definition);
    if (found == by_definition_.end()) return no_statement;
    StatementId id = found->second;
    while (id != no_statement) {
        const Entry& entry = by_id_.at(id);
        if (entry.origin == origin) return id;
        id = entry.next;
    }
    return no_statement;
}

StatementId StatementTable::add(std::string_view definition, const Origin& origin) {
    const StatementId known = find(definition, origin);
    if (known != no_statement) {
        add_reference(known);
        return known;
    }
    const StatementId id = ++last_;
    const auto [first, is_new] = by_definition_.try_emplace(std::string(definition), no_statement);
    if (is_new) bytes_ += definition.size();
    by_id_.emplace(id, Entry{first->first, origin, 1, first->second});
    first->second = id;
    for (const ValueId value : origin.settings) values_.add_reference(value);
    add_reference(origin.named);
    return id;
}

void StatementTable::add_reference(StatementId id) {
    if (id != no_statement && !is_empty_one(id)) ++by_id_.at(id).references;
}

void StatementTable::release(StatementId id) {
    if (id == no_statement || is_empty_one(id)) return;
    const auto found = by_id_.find(id);
    CHECK(found != by_id_.end());
    if (--found->second.references > 0) return;
    const auto first = by_definition_.find(found->second.definition);
    StatementId* link = &first->second;
    while (*link != id) link = &by_id_.at(*link).next;
    *link = found->second.next;
    for (const ValueId value : found->second.origin.settings) values_.release(value);
    if (first->second == no_statement) {
        bytes_ -= first->first.size();
        by_definition_.erase(first);
    }
    const StatementId named = found->second.origin.named;
    by_id_.erase(found);
    release(named);
}

std::string_view StatementTable::definition(StatementId id) const {
    return is_empty_one(id) ? empty_definition : by_id_.at(id).definition;
}

const Origin& StatementTable::origin(StatementId id) const {
    return is_empty_one(id) ? empty_origin_ : by_id_.at(id).origin;
}

StatementName ClientStatements::find(std::string_view name) const {
    const auto found = names_.find(name);
    return found == names_.end() ? StatementName{} : found->second;
}

StatementName ClientStatements::add(
    std::string_view name, StatementId id, TextLook look, std::size_t bytes
) {
    const StatementName statement{id, ++last_, look, bytes};
    names_.emplace(name, statement);
    bytes_ += bytes;
    return statement;
}

StatementId ClientStatements::change(std::string_view name, StatementId id) {
    return std::exchange(names_.find(name)->second.id, id);
}

StatementName ClientStatements::take(std::string_view name) {
    const auto found = names_.find(name);
    if (found == names_.end()) return {};
    const StatementName statement = found->second;
    names_.erase(found);
    bytes_ -= statement.bytes;
    return statement;
}

ClientStatements::Found ClientStatements::find_number(std::uint64_t number) const {
    const auto found = std::ranges::find_if(names_, [number](const auto& entry) {
        return entry.second.number == number;
    });
    if (found == names_.end()) return {};
    return {found->first, found->second.id};
}

void ClientStatements::clear(StatementTable& table) {
    for (const auto& [name, statement] : names_) table.release(statement.id);
    names_.clear();
    bytes_ = 0;
}

ClientStatements ClientStatements::take_all() {
    ClientStatements all;
    all.names_.swap(names_);
    std::swap(all.bytes_, bytes_);
    return all;
}

void ClientStatements::put_all_back(ClientStatements&& all, StatementTable& table) {
    clear(table);
    names_.swap(all.names_);
    std::swap(bytes_, all.bytes_);
}

bool ServerStatements::touch(StatementId id) {
    const auto found = used_.find(id);
    if (found == used_.end() || found->second->is_spoilt) return false;
    if (found->second != order_.begin()) order_.splice(order_.begin(), order_, found->second);
    return true;
}

void ServerStatements::add(StatementId id) {
    remove(id);
    order_.push_front({id, false});
    used_.emplace(id, order_.begin());
}

void ServerStatements::remove(StatementId id) {
    const auto found = used_.find(id);
    if (found == used_.end()) return;
    order_.erase(found->second);
    used_.erase(found);
}

void ServerStatements::spoil(StatementId id) {
    const auto found = used_.find(id);
    if (found != used_.end()) found->second->is_spoilt = true;
}

void ServerStatements::clear() {
    used_.clear();
    order_.clear();
}

ServerStatementName::ServerStatementName(std::string_view prefix, StatementId id) {
    CHECK(prefix.size() <= prefix_bytes_max);
    std::memcpy(text_, prefix.data(), prefix.size());
    char* at = text_ + prefix.size();
    if (is_empty_one(id)) {
        *at++ = 'e';
        size_ = prefix.size() + 1;
        if (id == empty_statement) return;
        id = empty_statement - id;
    }
    size_ = static_cast<std::size_t>(std::to_chars(at, text_ + sizeof text_, id).ptr - text_);
}

}  // namespace penstock::session
