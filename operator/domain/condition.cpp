#include "operator/domain/condition.hpp"

#include <algorithm>
#include <utility>

namespace penstock::domain {

const api::Condition* find(const std::vector<api::Condition>& conditions, std::string_view type) {
    const auto found = std::find_if(conditions.begin(), conditions.end(), [&](const auto& each) {
        return each.type == type;
    });
    return found == conditions.end() ? nullptr : &*found;
}

bool has(
    const std::vector<api::Condition>& conditions,
    std::string_view type,
    api::ConditionStatus status
) {
    const api::Condition* condition = find(conditions, type);
    return condition && condition->status == status;
}

Conditions::Conditions(
    const std::vector<api::Condition>& before, std::int64_t generation, std::string wall
)
    : before_(before), generation_(generation), wall_(std::move(wall)) {}

void Conditions::set(
    std::string_view type, api::ConditionStatus status, std::string reason, std::string message
) {
    const api::Condition* before = find(before_, type);
    const bool same = before && before->status == status;
    list_.push_back(
        {std::string{type},
         status,
         generation_,
         same ? before->last_transition_time : wall_,
         std::move(reason),
         std::move(message)}
    );
}

}  // namespace penstock::domain
