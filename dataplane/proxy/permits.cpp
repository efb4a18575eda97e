// Permits for server connections: which pool gets the next one, and which pool gives up a server.
#include "dataplane/proxy/core.hpp"

#include <bit>

namespace penstock::proxy {
namespace {

// How often a pool that waits claims servers of others, and how long one without any waits for
// another's only one.
constexpr Duration claim_every = std::chrono::milliseconds(25);

}  // namespace

// A permit, or steps towards one.
bool Core::find_permit(Pool& pool, std::int32_t wanted) {
    const bool is_first = pool.servers == 0;
    // Counting costs a look-up by name, and a pool with waiting clients comes here with each query.
    const bool has_none = pool.share->reserved.load(std::memory_order_relaxed) == 0 &&
                          board_.used() >= board_.limit();
    if (!has_none || settings_->server_limits.are_set()) {
        if (!board_.server_counts.take(owner(pool), settings_->server_limits, is_first, now_)) {
            if (is_first) make_way_within_limits(pool);
            return false;
        }
        if (pool.share->take_reserved() || board_.take_permit()) return true;
        board_.server_counts.give(owner(pool));
    }
    if (board_.workers() > 1 &&
        (board_.permit_wanted.load(std::memory_order_relaxed) & own_bit()) == 0)
        board_.permit_wanted.fetch_or(own_bit());
    make_way(pool);
    claim(pool, wanted);
    return false;
}

// The limit of the pool's user or database binds, and the pool has no server: a free one of that
// user or database is given up, here or, when its tick comes, on another worker.
void Core::make_way_within_limits(const Pool& wanting) {
    for (const auto& pool : pools_) {
        if (pool->idle.empty() || pool.get() == &wanting) continue;
        Server& server = servers_.at(pool->idle.front());
        if (!may_go(server)) continue;
        const bool is_related =
            pool->key.user == wanting.key.user || pool->key.database == wanting.key.database;
        if (is_related &&
            board_.server_counts.must_go(owner(*pool), settings_->server_limits, now_))
            return close_server(server);
    }
}

// Who waits for another pool's server gets one that has served here, or that nobody wants: two
// pools would else open servers only to close them for each other.
bool Core::may_go(const Server& server) const {
    return server.has_served || pools_[server.pool]->waiting.is_empty();
}

// An idle server of another pool, here or on another worker, is given up.
void Core::make_way(const Pool& pool) {
    const auto closing = static_cast<std::int32_t>(metrics_.servers_closing.get());
    if (closing < waiting_ + welcoming_ && close_idle_of_others(&pool, pool.share->servers.load()))
        return;
    if (has_asked_others_ || has_idle_elsewhere(pool)) return;
    has_asked_others_ = true;
    for (std::uint32_t other = 0; other < board_.workers(); ++other) {
        if (other == worker_) continue;
        if (board_.worker(other).idle.load(std::memory_order_relaxed) == 0) continue;
        act(ActionKind::WantPermit, {});
        actions_.back().worker = other;
        actions_.back().servers = pool.share->servers.load();
        return;
    }
}

// servers: how many the pool that wants one has.
bool Core::close_idle_of_others(const Pool* pool, std::int32_t servers) {
    for (const auto& other : pools_) {
        if (other.get() == pool || other->idle.empty() || other->is_wanting) continue;
        Server& server = servers_.at(other->idle.front());
        // A pool with no more than its part keeps what it uses again and again.
        const bool is_used = now_ - server.state_since < claim_every;
        if (is_used && other->share->servers.load() <= servers) continue;
        close_server(server);
        return true;
    }
    return false;
}

// Pools that have more give one up when it is freed.
void Core::claim(Pool& pool, std::int32_t wanted) {
    if (now_ < pool.claim_not_before) return;
    pool.claim_not_before = now_ + claim_every;
    const bool is_late = now_ - oldest_wait(pool) >= claim_every;
    pool.has_claim = board_.shares.claim(*pool.share, worker_, wanted, is_late);
}

// A server of this worker is gone: its permit is for whom it was given up, or who is poorest, or
// anybody.
void Core::pass_permit_on(pool::Shares::Receiver receiver) {
    if (board_.used() > board_.limit()) return board_.give_permit();
    if (receiver.share == 0 && board_.shares.has_claims()) receiver = board_.shares.receiver();
    if (receiver.share == 0 || !board_.shares.reserve(receiver.share)) return give_permit();
    if (receiver.worker != worker_) return ask(receiver.worker, receiver.share, receiver.worker);
    server_wanted(receiver.share, worker_);
}

// To whoever waits for one, on whatever worker.
void Core::give_permit() {
    board_.give_permit();
    if (board_.workers() == 1 || !wanting_.empty()) return;
    const std::uint64_t others = board_.permit_wanted.load() & ~own_bit();
    if (others == 0) return;
    const auto other = static_cast<std::uint32_t>(std::countr_zero(others));
    board_.permit_wanted.fetch_and(~(std::uint64_t{1} << other));
    ask(other, 0, other);
}

// Another worker waits for a permit: an idle server that nobody wants is given up.
void Core::permit_wanted(std::int32_t servers) { close_idle_of_others(nullptr, servers); }

// To a poorer pool: its permit will be kept for that.
bool Core::give_up(Server& server) {
    server.receiver = board_.shares.receiver(*pool_of(server).share);
    if (server.receiver.share == 0) return false;
    close_server(server);
    return true;
}

}  // namespace penstock::proxy
