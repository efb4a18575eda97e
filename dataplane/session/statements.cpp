#include "dataplane/session/statements.hpp"

#include "crds/api/check.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace penstock::session {
namespace {

constexpr std::string_view prefix = "penstock_";

}  // namespace

StatementId StatementTable::add(std::string_view definition) {
    const auto found = by_definition_.find(definition);
    if (found != by_definition_.end()) {
        ++by_id_[found->second].references;
        return found->second;
    }
    const StatementId id = ++last_;
    CHECK(id != no_statement);
    const auto [entry, _] = by_definition_.emplace(definition, id);
    by_id_.emplace(id, Entry{entry->first, 1, look_at_definition(definition)});
    return id;
}

TextLook look_at_definition(std::string_view definition) {
    return look_at(definition.substr(0, definition.find('\0')));
}

StatementId StatementTable::find(std::string_view definition) const {
    const auto found = by_definition_.find(definition);
    return found == by_definition_.end() ? no_statement : found->second;
}

void StatementTable::add_reference(StatementId id) { ++by_id_.at(id).references; }

void StatementTable::release(StatementId id) {
    const auto found = by_id_.find(id);
    CHECK(found != by_id_.end());
    if (--found->second.references > 0) return;
    by_definition_.erase(by_definition_.find(found->second.definition));
    by_id_.erase(found);
}

std::string_view StatementTable::definition(StatementId id) const {
    return by_id_.at(id).definition;
}

StatementId ClientStatements::find(std::string_view name) const {
    const auto found = names_.find(name);
    return found == names_.end() ? no_statement : found->second;
}

std::string_view ClientStatements::name_of(StatementId id) const {
    const auto found =
        std::ranges::find_if(names_, [id](const auto& entry) { return entry.second == id; });
    return found == names_.end() ? std::string_view{} : std::string_view(found->first);
}

StatementId ClientStatements::take(std::string_view name) {
    const auto found = names_.find(name);
    if (found == names_.end()) return no_statement;
    const StatementId id = found->second;
    names_.erase(found);
    return id;
}

void ClientStatements::clear(StatementTable& table) {
    for (const auto& [name, id] : names_) table.release(id);
    names_.clear();
}

bool ServerStatements::touch(StatementId id) {
    const auto found = used_.find(id);
    if (found == used_.end()) return false;
    found->second = ++clock_;
    return true;
}

StatementId ServerStatements::victim(std::size_t statements_max) const {
    if (used_.size() < statements_max) return no_statement;
    const auto oldest =
        std::ranges::min_element(used_, {}, [](const auto& entry) { return entry.second; });
    return oldest == used_.end() ? no_statement : oldest->first;
}

ServerStatementName::ServerStatementName(StatementId id) {
    std::memcpy(text_, prefix.data(), prefix.size());
    const auto end = std::to_chars(text_ + prefix.size(), text_ + sizeof text_, id).ptr;
    size_ = static_cast<std::size_t>(end - text_);
}

StatementId statement_named_in(std::string_view message) {
    const std::size_t at = message.find(prefix);
    if (at == std::string_view::npos) return no_statement;
    message.remove_prefix(at + prefix.size());
    StatementId id = no_statement;
    std::from_chars(message.data(), message.data() + message.size(), id);
    return id;
}

}  // namespace penstock::session
