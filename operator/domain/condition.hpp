// Conditions of a status by the API conventions: lastTransitionTime moves when the status becomes
// another one, and only then.
#pragma once

#include "crds/api/object.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace penstock::domain {

// The condition of that type; null when there is none.
const api::Condition* find(const std::vector<api::Condition>& conditions, std::string_view type);

// Whether it is there and has the status.
bool has(
    const std::vector<api::Condition>& conditions,
    std::string_view type,
    api::ConditionStatus status
);

// Conditions of one status in the making.
class Conditions {
 public:
    // `before`: as last written. Requires: it lives as long as this.
    Conditions(
        const std::vector<api::Condition>& before, std::int64_t generation, std::string wall
    );

    // `reason` is one CamelCase word; `message` ends with the remedy if there is one to give.
    void set(
        std::string_view type, api::ConditionStatus status, std::string reason, std::string message
    );

    const std::vector<api::Condition>& list() const { return list_; }

 private:
    const std::vector<api::Condition>& before_;
    std::int64_t generation_;
    std::string wall_;
    std::vector<api::Condition> list_;
};

}  // namespace penstock::domain
