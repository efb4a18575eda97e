// The second half of decoding: bounds and rules of a described struct, each breach with its path
// and what is allowed.
#pragma once

#include "crds/api/document.hpp"
#include "crds/api/faults.hpp"
#include "crds/api/rules.hpp"

#include <set>

namespace penstock::api {

namespace bounds {

void check_number(
    std::int64_t value, const Constraints& constraints, const std::string& path, Faults& faults
);
void check_text(
    std::string_view value, const Constraints& constraints, const std::string& path, Faults& faults
);
void check_count(
    std::size_t count, const Constraints& constraints, const std::string& path, Faults& faults
);
void add_duplicate(std::string_view value, const std::string& path, Faults& faults);

template <Described S>
void check_struct(const S& value, const std::string& path, Faults& faults);

// The text that makes an element of a list unique, if the list is a set or a map.
template <class T>
std::string identity(const T& element, const Constraints& constraints) {
    std::string found;
    if constexpr (std::same_as<T, std::string>) {
        found = element;
    } else if constexpr (Described<T>) {
        for_each_field<T>([&](const auto& field) {
            if constexpr (std::same_as<typename std::decay_t<decltype(field)>::Type, std::string>) {
                if (field.key == constraints.list_key) found = element.*field.member;
            }
        });
    }
    return found;
}

template <class T>
void check(
    const T& value, const Constraints& constraints, const std::string& path, Faults& faults
) {
    if (faults.blames(path)) return;
    if constexpr (Described<T>) {
        check_struct(value, path, faults);
    } else if constexpr (OptionalField<T>) {
        if (value) check(*value, constraints, path, faults);
    } else if constexpr (ListField<T>) {
        check_count(value.size(), constraints, path, faults);
        std::set<std::string> seen;
        for (std::size_t i = 0; i < value.size(); ++i) {
            check(value[i], constraints, element_path(path, i), faults);
            if (constraints.list_type == ListType::Atomic) continue;
            const std::string id = identity(value[i], constraints);
            if (!seen.insert(id).second) {
                const std::string element = element_path(path, i);
                add_duplicate(
                    id,
                    constraints.list_key.empty() ? element
                                                 : child_path(element, constraints.list_key),
                    faults
                );
            }
        }
    } else if constexpr (MapField<T>) {
        check_count(value.size(), constraints, path, faults);
        for (const auto& [key, element] : value)
            check(element, constraints, entry_path(path, key), faults);
    } else if constexpr (std::same_as<T, std::string>) {
        check_text(value, constraints, path, faults);
    } else if constexpr (IntegerField<T> && std::is_signed_v<T>) {
        check_number(value, constraints, path, faults);
    }
}

template <Described S>
void check_struct(const S& value, const std::string& path, Faults& faults) {
    for_each_field<S>([&](const auto& field) {
        check(value.*field.member, field.constraints, child_path(path, field.key), faults);
    });
    if constexpr (Ruled<S>) {
        // A rule over a field that is wrong by itself would only repeat the fault.
        if (faults.blames_member_of(path)) return;
        for (const auto& rule : S::rules()) {
            if (!rule.holds(value))
                faults.add(child_path(path, rule.key), std::string{rule.message});
        }
    }
}

}  // namespace bounds

// All breaches in `value`; none if it is good.
template <Described S>
std::vector<Error> validate(const S& value, const std::string& path = "") {
    Faults faults;
    bounds::check_struct(value, path, faults);
    return faults.errors();
}

}  // namespace penstock::api
