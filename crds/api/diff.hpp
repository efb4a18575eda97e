// What differs between two values of a described struct, and what it takes to put the newer one in
// force.
#pragma once

#include "crds/api/faults.hpp"
#include "crds/api/field.hpp"

#include <algorithm>

namespace penstock::api {

struct Difference {
    std::string path;
    Change change;

    bool operator==(const Difference&) const = default;
};

template <Described S>
void collect_differences(
    const S& before, const S& after, const std::string& path, std::vector<Difference>& found
) {
    for_each_field<S>([&](const auto& field) {
        using Member = typename std::decay_t<decltype(field)>::Type;
        const Member& old_member = before.*field.member;
        const Member& new_member = after.*field.member;
        if (old_member == new_member) return;
        const std::string member_path = child_path(path, field.key);
        if constexpr (Described<Member>) {
            collect_differences(old_member, new_member, member_path, found);
        } else if constexpr (OptionalField<Member>) {
            if constexpr (Described<typename Member::value_type>) {
                if (old_member && new_member) {
                    collect_differences(*old_member, *new_member, member_path, found);
                    return;
                }
            }
            found.push_back({member_path, field.change});
        } else {
            found.push_back({member_path, field.change});
        }
    });
}

// Changed fields in the table's order. Lists and maps are one field.
template <Described S>
std::vector<Difference> diff(const S& before, const S& after, const std::string& path = "") {
    std::vector<Difference> found;
    collect_differences(before, after, path, found);
    return found;
}

// The strongest class among the differences; nothing if there are none.
inline std::optional<Change> strongest(const std::vector<Difference>& differences) {
    std::optional<Change> most;
    for (const Difference& each : differences) most = std::max(most, std::optional{each.change});
    return most;
}

// One error for each field that must not change and did.
template <Described S>
std::vector<Error> refused_changes(const S& before, const S& after, const std::string& path = "") {
    std::vector<Error> errors;
    for (const Difference& each : diff(before, after, path)) {
        if (each.change != Change::Immutable) continue;
        errors.push_back({each.path, "must not change; create a new resource instead"});
    }
    return errors;
}

}  // namespace penstock::api
