#include "operator/domain/attachment.hpp"

#include <algorithm>
#include <tuple>

namespace penstock::domain {

namespace {

bool selects(const api::PoolSelector& selector, const api::ConnectionPool& pool) {
    return std::all_of(
        selector.match_labels.begin(),
        selector.match_labels.end(),
        [&](const auto& label) {
            const auto found = pool.metadata.labels.find(label.first);
            return found != pool.metadata.labels.end() && found->second == label.second;
        }
    );
}

}  // namespace

Attachments attach(const Observed& observed) {
    std::vector<const api::Backpressure*> policies;
    for (const api::Backpressure& policy : observed.policies)
        if (policy.metadata.deletion_timestamp.empty()) policies.push_back(&policy);
    std::sort(policies.begin(), policies.end(), [](const auto* a, const auto* b) {
        return std::tie(a->metadata.creation_timestamp, a->metadata.name_space, a->metadata.name) <
               std::tie(b->metadata.creation_timestamp, b->metadata.name_space, b->metadata.name);
    });
    std::vector<const api::ConnectionPool*> pools;
    for (const api::ConnectionPool& pool : observed.pools)
        if (pool.metadata.deletion_timestamp.empty()) pools.push_back(&pool);
    std::sort(pools.begin(), pools.end(), [](const auto* a, const auto* b) {
        return key(a->metadata) < key(b->metadata);
    });

    Attachments result;
    for (const api::Backpressure* policy : policies) {
        Attachment& attachment = result.by_policy[key(policy->metadata)];
        const auto claim = [&](const std::string& pool) {
            const bool first = result.by_pool.try_emplace(pool, policy).second;
            (first ? attachment.pools : attachment.lost).push_back(pool);
        };
        const auto in_namespace = [&](const api::ConnectionPool& pool) {
            return pool.metadata.name_space == policy->metadata.name_space;
        };
        for (const api::TargetRef& target : policy->spec.target_refs) {
            const auto found = std::find_if(pools.begin(), pools.end(), [&](const auto* pool) {
                return in_namespace(*pool) && pool->metadata.name == target.name;
            });
            if (found == pools.end())
                attachment.not_found.push_back(target.name);
            else
                claim(key((*found)->metadata));
        }
        if (!policy->spec.selector) continue;
        for (const api::ConnectionPool* pool : pools)
            if (in_namespace(*pool) && selects(*policy->spec.selector, *pool))
                claim(key(pool->metadata));
    }
    return result;
}

}  // namespace penstock::domain
