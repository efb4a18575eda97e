// Struct to document: the fields in the table's order. Absent optionals and empty lists and maps
// are left out; decode() of the result gives the same struct.
#pragma once

#include "crds/api/document.hpp"
#include "crds/api/field.hpp"

namespace penstock::api {

template <class T>
Document encode(const T& value) {
    if constexpr (Described<T>) {
        Document object = Document::object();
        for_each_field<T>([&](const auto& field) {
            using Member = typename std::decay_t<decltype(field)>::Type;
            const Member& member = value.*field.member;
            if constexpr (OptionalField<Member>) {
                if (member) object.emplace(field.key, encode(*member));
            } else if constexpr (ListField<Member> || MapField<Member>) {
                if (!member.empty()) object.emplace(field.key, encode(member));
            } else {
                object.emplace(field.key, encode(member));
            }
        });
        return object;
    } else if constexpr (ListField<T>) {
        Document list = Document::array();
        for (const auto& element : value) list.push_back(encode(element));
        return list;
    } else if constexpr (MapField<T>) {
        Document object = Document::object();
        for (const auto& [key, element] : value) object.emplace(key, encode(element));
        return object;
    } else if constexpr (NamedEnum<T>) {
        return Document(to_text(value));
    } else {
        return Document(value);
    }
}

}  // namespace penstock::api
