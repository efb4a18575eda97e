#include "dataplane/pool/shares.hpp"

#include "dataplane/pool/atomic_lock.hpp"
#include "dataplane/pool/fair.hpp"

#include <algorithm>
#include <utility>

namespace penstock::pool {

Share& Shares::join(const std::string& pool) {
    const AtomicLock lock(is_locked_);
    Kept& kept = by_pool_[pool];
    ++kept.keepers;
    if (kept.share != nullptr) return *kept.share;
    if (free_.empty()) free_.push_back(&all_.emplace_back(workers_));
    kept.share = free_.back();
    free_.pop_back();
    kept.share->id = ++last_id_;
    pools_.emplace(kept.share->id, pool);
    return *kept.share;
}

std::int32_t Shares::leave(Share& share, std::uint32_t worker) {
    const AtomicLock lock(is_locked_);
    const std::uint64_t others = ~(std::uint64_t{1} << worker);
    share.wanting_workers.fetch_and(others);
    share.idle_workers.fetch_and(others);
    const auto pool = pools_.find(share.id);
    const auto kept = by_pool_.find(pool->second);
    if (--kept->second.keepers > 0) return 0;
    erase_claim(share);
    by_pool_.erase(kept);
    pools_.erase(pool);
    share.failing_until_us.store(0, std::memory_order_relaxed);
    free_.push_back(&share);
    return share.reserved.exchange(0);
}

void Shares::login_failed(Share& share, LoginFailure failure, std::int64_t until_us) {
    const AtomicLock lock(is_locked_);
    share.failure = std::move(failure);
    share.failing_until_us.store(until_us, std::memory_order_release);
}

LoginFailure Shares::failure(const Share& share) {
    const AtomicLock lock(is_locked_);
    return share.failure;
}

bool Shares::claim(Share& share, std::uint32_t worker, std::int32_t wanted, bool is_late) {
    const AtomicLock lock(is_locked_);
    erase_claim(share);
    std::vector<std::int32_t> others;
    for (const auto& [pool, kept] : by_pool_) {
        if (kept.share != &share) others.push_back(kept.share->servers.load());
    }
    Claim claim{&share, worker, 0, 0};
    // A pool without any comes before one with a single server only when it has waited.
    if (is_late && holds(claim) == 0) claim.handicap = 1;
    claim.wanted = servers_due(others, holds(claim), wanted);
    const bool is_due = claim.wanted > 0;
    if (is_due) claims_.push_back(claim);
    note_poorest();
    return is_due;
}

void Shares::drop_claim(const Share& share) {
    const AtomicLock lock(is_locked_);
    erase_claim(share);
}

Shares::Receiver Shares::receiver(const Share& giver) {
    const AtomicLock lock(is_locked_);
    const auto poorest = std::ranges::min_element(claims_, {}, &Shares::holds);
    if (poorest == claims_.end() || poorest->share == &giver) return {};
    if (giver.servers.load() <= holds(*poorest) + 1) return {};
    return take(poorest);
}

Shares::Receiver Shares::receiver() {
    const AtomicLock lock(is_locked_);
    const auto poorest = std::ranges::min_element(claims_, {}, &Shares::holds);
    return poorest == claims_.end() ? Receiver{} : take(poorest);
}

bool Shares::reserve(std::uint32_t share) {
    const AtomicLock lock(is_locked_);
    const auto pool = pools_.find(share);
    if (pool == pools_.end()) return false;
    by_pool_.at(pool->second).share->reserved.fetch_add(1);
    return true;
}

Shares::Receiver Shares::take(Claims::iterator claim) {
    const Receiver receiver{claim->share->id, claim->worker};
    claim->handicap = 0;  // it was for this one
    if (--claim->wanted == 0) claims_.erase(claim);
    note_poorest();
    return receiver;
}

void Shares::erase_claim(const Share& share) {
    std::erase_if(claims_, [&share](const Claim& each) { return each.share == &share; });
    note_poorest();
}

std::int32_t Shares::holds(const Claim& claim) {
    return claim.share->servers.load() + claim.share->reserved.load() - claim.handicap;
}

void Shares::note_poorest() {
    std::int32_t poorest = nobody;
    for (const Claim& claim : claims_) poorest = std::min(poorest, holds(claim));
    poorest_.store(poorest, std::memory_order_relaxed);
}

}  // namespace penstock::pool
