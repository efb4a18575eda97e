#include "operator/domain/events.hpp"

#include "crds/api/names.hpp"
#include "operator/domain/condition.hpp"

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace penstock::domain {

namespace {

using api::ConditionStatus;

std::string message_of(const std::vector<api::Condition>& conditions, std::string_view type) {
    const api::Condition* condition = find(conditions, type);
    return condition ? condition->message : std::string{};
}

std::string reason_of(const std::vector<api::Condition>& conditions, std::string_view type) {
    const api::Condition* condition = find(conditions, type);
    return condition ? condition->reason : std::string{};
}

std::string change_text(std::int32_t before, std::int32_t after) {
    return "from " + std::to_string(before) + " to " + std::to_string(after);
}

}  // namespace

std::vector<Event> pool_events(
    const std::string& pool,
    const api::ConnectionPoolStatus& before,
    const api::ConnectionPoolStatus& after
) {
    std::vector<Event> events;
    const auto tell = [&](EventType type, std::string action, std::string reason, std::string note
                      ) {
        events.push_back(
            {Kind::ConnectionPool,
             pool,
             type,
             std::move(action),
             std::move(reason),
             std::move(note)}
        );
    };
    const auto turned = [&](std::string_view type, ConditionStatus status) {
        return has(after.conditions, type, status) && !has(before.conditions, type, status);
    };
    const bool seen_before = before.observed_generation >= 0;

    if (turned(api::conditions::database_reachable, ConditionStatus::True))
        tell(
            EventType::Normal,
            "Database",
            "DatabaseReachable",
            message_of(after.conditions, api::conditions::database_reachable)
        );
    if (turned(api::conditions::database_reachable, ConditionStatus::False))
        tell(
            EventType::Warning,
            "Database",
            "DatabaseUnreachable",
            message_of(after.conditions, api::conditions::database_reachable)
        );
    if (turned(api::conditions::stalled, ConditionStatus::True))
        tell(
            EventType::Warning,
            "Apply",
            reason_of(after.conditions, api::conditions::stalled),
            message_of(after.conditions, api::conditions::stalled)
        );
    const std::string budget_reason =
        reason_of(after.conditions, api::conditions::budget_satisfied);
    if (has(after.conditions, api::conditions::budget_satisfied, ConditionStatus::False) &&
        budget_reason != reason_of(before.conditions, api::conditions::budget_satisfied))
        tell(
            EventType::Warning,
            "Budget",
            budget_reason,
            message_of(after.conditions, api::conditions::budget_satisfied)
        );
    const bool rejected =
        reason_of(after.conditions, api::conditions::grants_current) == "ConfigRejected";
    if (rejected &&
        reason_of(before.conditions, api::conditions::grants_current) != "ConfigRejected")
        tell(
            EventType::Warning,
            "Configure",
            "ConfigRejected",
            message_of(after.conditions, api::conditions::grants_current)
        );
    const bool rolled_before =
        reason_of(before.conditions, api::conditions::reconciling) == "RollingOut";
    if (rolled_before && !find(after.conditions, api::conditions::reconciling))
        tell(
            EventType::Normal,
            "Rollout",
            "RolloutCompleted",
            "all proxies run generation " + std::to_string(after.observed_generation)
        );
    if (seen_before && before.replicas != after.replicas)
        tell(
            EventType::Normal,
            "Scale",
            "ReplicasScaled",
            "proxies " + change_text(before.replicas, after.replicas)
        );
    if (before.budget && after.budget) {
        const std::int32_t was = before.budget->granted;
        const std::int32_t is = after.budget->granted;
        const bool at_bound = after.limited_by != before.limited_by && after.limited_by != "Demand";
        if (was != is && (std::abs(is - was) * 4 > was || at_bound))
            tell(
                EventType::Normal,
                "Resize",
                "PoolResized",
                "granted server connections " + change_text(was, is) + ", limited by " +
                    after.limited_by
            );
        if (after.budget->ceiling * 10 < before.budget->ceiling * 9)
            tell(
                EventType::Warning,
                "Budget",
                "CeilingLowered",
                "ceiling " + change_text(before.budget->ceiling, after.budget->ceiling)
            );
    }
    return events;
}

std::vector<Event> policy_events(
    const std::string& policy,
    const api::BackpressureStatus& before,
    const api::BackpressureStatus& after
) {
    std::vector<Event> events;
    const auto tell = [&](EventType type, std::string action, std::string reason, std::string note
                      ) {
        events.push_back(
            {Kind::Backpressure,
             policy,
             type,
             std::move(action),
             std::move(reason),
             std::move(note)}
        );
    };
    const auto throttling = [](const api::BackpressureStatus& status) {
        return has(status.conditions, api::conditions::throttling, ConditionStatus::True);
    };
    if (throttling(after) && !throttling(before))
        tell(
            EventType::Normal,
            "Throttle",
            "ThrottlingStarted",
            message_of(after.conditions, api::conditions::throttling)
        );
    if (!throttling(after) && throttling(before))
        tell(
            EventType::Normal,
            "Throttle",
            "ThrottlingStopped",
            message_of(after.conditions, api::conditions::throttling)
        );
    const std::string accepted = reason_of(after.conditions, api::conditions::accepted);
    if (accepted == "Conflicted" &&
        reason_of(before.conditions, api::conditions::accepted) != "Conflicted")
        tell(
            EventType::Warning,
            "Policy",
            "PolicyConflicted",
            message_of(after.conditions, api::conditions::accepted)
        );
    return events;
}

Event proxy_ended(const Proxy& proxy) {
    return {
        Kind::ConnectionPool,
        proxy.pool,
        EventType::Warning,
        "Run",
        "ProxyEnded",
        "proxy " + proxy.id + " ended by itself" +
            (proxy.fault.empty() ? std::string{} : ": " + proxy.fault)};
}

}  // namespace penstock::domain
