#include "operator/domain/policy_status.hpp"

#include "crds/api/names.hpp"
#include "operator/domain/condition.hpp"
#include "operator/domain/quantise.hpp"

#include <algorithm>
#include <string>

namespace penstock::domain {

namespace {

using api::ConditionStatus;

std::string name_of(const std::string& key) { return key.substr(key.find('/') + 1); }

std::string join(const std::vector<std::string>& names) {
    std::string text;
    for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
    return text;
}

void set_accepted(
    Conditions& conditions, const Attachment& attachment, const Attachments& attachments
) {
    const auto type = api::conditions::accepted;
    if (!attachment.lost.empty()) {
        const std::string& pool = attachment.lost.front();
        const std::string winner = attachments.by_pool.at(pool)->metadata.name;
        conditions.set(
            type,
            ConditionStatus::False,
            "Conflicted",
            "pool " + name_of(pool) + " has an older policy, " + winner +
                ": remove the pool from one of both"
        );
    } else if (!attachment.not_found.empty()) {
        conditions.set(
            type,
            ConditionStatus::False,
            "TargetNotFound",
            "no ConnectionPool of this namespace is named " + join(attachment.not_found) +
                ": create it or correct spec.targetRefs"
        );
    } else {
        conditions.set(type, ConditionStatus::True, "Accepted", "every target is a pool");
    }
}

void set_enforced(Conditions& conditions, const api::Backpressure& policy, bool has_targets) {
    const auto type = api::conditions::enforced;
    if (!has_targets)
        conditions.set(type, ConditionStatus::False, "NoTargets", "it acts on no pool");
    else if (policy.spec.mode == api::BackpressureMode::Observe)
        conditions.set(
            type,
            ConditionStatus::False,
            "ObserveOnly",
            "spec.mode is Observe: limits are computed and shown, nothing is refused"
        );
    else
        conditions.set(type, ConditionStatus::True, "Enforced", "limits are in the pools' grants");
}

}  // namespace

api::BackpressureStatus policy_status(
    const api::Backpressure& policy,
    const Attachments& attachments,
    const Observed& observed,
    const Memory& memory,
    const Now& now
) {
    const std::string own_key = key(policy.metadata);
    const Attachment& attachment = attachments.by_policy.at(own_key);
    api::BackpressureStatus status;
    status.observed_generation = policy.metadata.generation;
    bool above = false;
    bool held = false;
    bool fresh = true;
    for (const std::string& pool : attachment.pools) {
        const auto found = memory.pools.find(pool);
        if (found == memory.pools.end()) continue;
        const Throttle& throttle = found->second.throttle;
        above = above || throttle.above_target();
        held = held || throttle.state() != api::ThrottleState::Open;
        fresh = fresh && throttle.fresh();
        status.targets.push_back(
            {name_of(pool),
             throttle.state(),
             throttle.limit(),
             static_cast<std::int32_t>(one_two_five(
                 static_cast<std::int64_t>((throttle.latency_us().value_or(0) + 999) / 1000)
             ))}
        );
    }

    status.attached_targets = static_cast<std::int32_t>(attachment.pools.size());
    const bool has_targets = !attachment.pools.empty();
    Conditions conditions(policy.status.conditions, policy.metadata.generation, now.wall);
    const auto faults = observed.policy_faults.find(own_key);
    const bool invalid = faults != observed.policy_faults.end() && !faults->second.empty();
    Conditions checks = conditions;
    set_accepted(checks, attachment, attachments);
    const api::Condition accepted = checks.list().front();
    if (invalid)
        conditions.set(
            api::conditions::ready,
            ConditionStatus::False,
            "InvalidSpec",
            api::to_string(faults->second.front())
        );
    else if (accepted.status != ConditionStatus::True)
        conditions.set(
            api::conditions::ready, ConditionStatus::False, accepted.reason, accepted.message
        );
    else if (!has_targets)
        conditions.set(
            api::conditions::ready,
            ConditionStatus::False,
            "NoTargets",
            "no pool has the labels of spec.selector"
        );
    else
        conditions.set(
            api::conditions::ready, ConditionStatus::True, "Attached", "it acts on its pools"
        );
    if (invalid)
        conditions.set(
            api::conditions::stalled,
            ConditionStatus::True,
            "InvalidSpec",
            "the last good version stays in force; " + api::to_string(faults->second.front())
        );
    set_accepted(conditions, attachment, attachments);
    set_enforced(conditions, policy, has_targets);
    if (above || held)
        conditions.set(
            api::conditions::throttling,
            ConditionStatus::True,
            "LatencyAboveTarget",
            "transactions are held back to keep the latency target"
        );
    else
        conditions.set(
            api::conditions::throttling,
            ConditionStatus::False,
            "WithinTarget",
            "the latency target is kept"
        );
    if (!has_targets || !fresh)
        conditions.set(
            api::conditions::signals_fresh,
            has_targets ? ConditionStatus::False : ConditionStatus::Unknown,
            "TooFewSamples",
            "fewer than spec.latency.minimumSamples measurements in the window: limits stay as "
            "they are"
        );
    else
        conditions.set(
            api::conditions::signals_fresh,
            ConditionStatus::True,
            "Fresh",
            "the window has enough measurements"
        );
    status.conditions = conditions.list();
    return status;
}

}  // namespace penstock::domain
