// Which Backpressure policy acts on which pool. Two on one pool: the older one, then the first by
// name; the other is in conflict.
#pragma once

#include "operator/domain/observed.hpp"

#include <map>
#include <string>
#include <vector>

namespace penstock::domain {

struct Attachment {
    std::vector<std::string> pools;      // keys that the policy acts on
    std::vector<std::string> lost;       // keys that it names but an older policy has
    std::vector<std::string> not_found;  // names in targetRefs without a pool

    bool operator==(const Attachment&) const = default;
};

struct Attachments {
    std::map<std::string, Attachment> by_policy;              // every policy has one
    std::map<std::string, const api::Backpressure*> by_pool;  // into Observed
};

Attachments attach(const Observed& observed);

}  // namespace penstock::domain
