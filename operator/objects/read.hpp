// Reading documents of other people: whatever is missing or of another kind reads as nothing.
#pragma once

#include "crds/api/document.hpp"

#include <cstdint>
#include <string>

namespace penstock::objects {

// What stands at a JSON pointer ("/metadata/name"), or null. Valid as long as the document.
inline const api::Document* find(const api::Document& document, const std::string& pointer) {
    const api::Document::json_pointer at(pointer);
    return document.contains(at) ? &document.at(at) : nullptr;
}

inline std::string text_at(const api::Document& document, const std::string& pointer) {
    const api::Document* found = find(document, pointer);
    return found && found->is_string() ? found->get<std::string>() : std::string{};
}

inline std::int64_t number_at(const api::Document& document, const std::string& pointer) {
    const api::Document* found = find(document, pointer);
    return found && found->is_number_integer() ? found->get<std::int64_t>() : 0;
}

// An empty list where there is none.
inline const api::Document& list_at(const api::Document& document, const std::string& pointer) {
    static const api::Document empty = api::Document::array();
    const api::Document* found = find(document, pointer);
    return found && found->is_array() ? *found : empty;
}

// A label or annotation; its name may hold slashes.
inline std::string entry_of(
    const api::Document& document, const std::string& map, const std::string& name
) {
    const api::Document* found = find(document, map);
    if (!found || !found->is_object()) return {};
    const auto entry = found->find(name);
    return entry != found->end() && entry->is_string() ? entry->get<std::string>() : std::string{};
}

}  // namespace penstock::objects
