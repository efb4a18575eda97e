// Idle servers that change workers: so that no client waits while another worker holds a server for
// it.
#include "crds/api/check.hpp"
#include "dataplane/proxy/core.hpp"

#include <algorithm>
#include <bit>

namespace penstock::proxy {
namespace {

// Between workers, a server goes to clients that have waited longer by this much: so it does not go
// to and fro.
constexpr Duration other_worker_lead = std::chrono::milliseconds(5);

std::int64_t to_us(TimePoint time) {
    return std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch()).count();
}

std::uint32_t lowest_worker(std::uint64_t workers) {
    return static_cast<std::uint32_t>(std::countr_zero(workers));
}

}  // namespace

// Another worker's clients wait: an idle server of that pool goes there. With none here, whoever
// else may have one is asked, and without a permit left one of another pool makes way.
void Core::server_wanted(std::uint32_t pool_id, std::uint32_t wanting_worker) {
    const auto found = std::ranges::find_if(pools_, [pool_id](const auto& pool) {
        return pool->share != nullptr && pool->share->id == pool_id;
    });
    Pool* const pool = found == pools_.end() ? nullptr : found->get();
    if (wanting_worker == worker_) {
        if (pool != nullptr && !pool->is_wanting) pass_reserved_on(*pool->share);
        return;
    }
    if (pool == nullptr) return ask(wanting_worker, pool_id, wanting_worker);
    pool::Share& share = *pool->share;
    const std::uint64_t wanting_bit = std::uint64_t{1} << wanting_worker;
    if ((share.wanting_workers.load() & wanting_bit) == 0) return;
    for (const std::uint32_t slot : pool->idle) {
        Server& server = servers_.at(slot);
        if (can_move(server)) return move_server(server, wanting_worker);
    }
    forget_idle(*pool);
    const std::uint64_t others = share.idle_workers.load() & ~own_bit() & ~wanting_bit;
    if (others != 0) return ask(lowest_worker(others), pool_id, wanting_worker);
    // Nobody has one: it opens one of its own, if it may.
    ask(wanting_worker, pool_id, wanting_worker);
}

// Permits that were kept for clients who are gone: for another worker's, or anybody's.
void Core::pass_reserved_on(pool::Share& share) {
    const std::uint64_t others = share.wanting_workers.load() & ~own_bit();
    if (others != 0) return ask(lowest_worker(others), share.id, lowest_worker(others));
    while (share.take_reserved()) give_permit();
}

void Core::ask_others(Pool& pool) {
    const std::uint64_t others = pool.share->idle_workers.load() & ~own_bit();
    if (others == 0) return;
    pool.asked_at = now_;
    // Not always the same one.
    const int from = static_cast<int>(worker_);
    const int distance = std::countr_zero(std::rotr(others, from));
    constexpr int bits = 64;
    ask(static_cast<std::uint32_t>((from + distance) % bits), pool.share->id, worker_);
}

void Core::ask(std::uint32_t worker, std::uint32_t pool, std::uint32_t wanting_worker) {
    Action action;
    action.kind = ActionKind::WantServer;
    action.worker = worker;
    action.pool = pool;
    action.wanting_worker = wanting_worker;
    actions_.push_back(action);
}

bool Core::has_idle_elsewhere(const Pool& pool) const {
    return (pool.share->idle_workers.load(std::memory_order_relaxed) & ~own_bit()) != 0;
}

void Core::tell_idle(Pool& pool) {
    if (pool.is_idle_known) return;
    pool.is_idle_known = true;
    pool.share->idle_workers.fetch_or(own_bit());
}

void Core::forget_idle(Pool& pool) {
    if (!pool.is_idle_known) return;
    pool.is_idle_known = false;
    pool.share->idle_workers.fetch_and(~own_bit());
}

// A server in the middle of a message stays: the other worker could not read on.
bool Core::can_move(const Server& server) const {
    return server.state == ServerState::Idle && server.stash == nullptr &&
           server.body == Body::None;
}

// To the other worker whose client has waited longest for this pool, if that is longer by much than
// any here has: so a server comes to rest where the oldest wait is.
void Core::offer_to_others(Server& server) {
    Pool& pool = pool_of(server);
    // It was opened for a client here, who has not got to use it yet.
    if (!server.has_served && pool.clients > 0) return;
    std::uint64_t others = pool.share->wanting_workers.load() & ~own_bit();
    if (others == 0) return;
    std::int64_t oldest = INT64_MAX;
    if (pool.is_wanting) oldest = to_us(oldest_wait(pool) - other_worker_lead);
    std::uint32_t longest = no_slot;
    for (; others != 0; others &= others - 1) {
        const std::uint32_t other = lowest_worker(others);
        const std::int64_t since = pool.share->since_us[other].load(std::memory_order_relaxed);
        if (since == 0 || since > oldest) continue;
        longest = other;
        oldest = since;
    }
    if (longest != no_slot) move_server(server, longest);
}

// Requires: can_move.
void Core::move_server(Server& server, std::uint32_t worker) {
    Pool& pool = pool_of(server);
    if (std::erase(pool.idle, server.link.slot) == 0) return;  // on its way already
    actions_.push_back({ActionKind::MoveServer, server.link, {}, worker, {}});
    // Claimed: the other worker says anew who waits when it has this one.
    pool.share->since_us[worker].store(0, std::memory_order_relaxed);
}

// Requires: MoveServer was asked for this link in the last entry.
MovedServerPtr Core::take_moved(LinkId link) {
    Server* const server = server_at(link);
    CHECK(server != nullptr && server->state == ServerState::Idle && server->replies.is_empty());
    MovedServerPtr moved(new MovedServer);
    Pool& pool = pool_of(*server);
    moved->key = pool.key;
    for (std::size_t i = 0; i < session::tracked_parameters.size(); ++i) {
        const session::ValueId value = server->parameters.values.get(i);
        if (value == session::no_value) continue;
        moved->parameters.emplace_back(i, values_.text(value));
        moved->defaults.emplace_back(i, values_.text(server->defaults.get(i)));
    }
    moved->set = server->parameters.set;
    moved->fingerprint = std::move(server->fingerprint);
    moved->process_id = server->process_id;
    moved->cancel_key = std::move(server->cancel_key);
    moved->connected_at = server->connected_at;
    moved->is_encrypted = server->is_encrypted;
    moved->lifetime_share = server->lifetime_share;
    moved->idle_since = server->state_since;
    moved->endpoint = server->endpoint;
    moved->has_statements = !server->statements.is_empty() || server->has_unnamed;
    moved->welcome = pool.welcome;
    --pool.servers;
    note_unused(server->pool);
    metrics_.servers_idle.subtract();
    publish_servers();
    metrics_.servers_moved.add();
    server->parameters.values.clear(values_);
    server->defaults.clear(values_);
    server->before.clear(values_);
    servers_.remove(link.slot);
    return moved;
}

LinkId Core::adopt(MovedServerPtr moved) {
    const std::uint32_t index = pool_for(std::move(moved->key));
    const auto name = servers_.add();
    Server& server = servers_.at(name.slot);
    server.link = {name.generation, name.slot, LinkKind::Server};
    server.pool = index;
    server.process_id = moved->process_id;
    server.cancel_key = std::move(moved->cancel_key);
    server.connected_at = moved->connected_at;
    server.is_encrypted = moved->is_encrypted;
    server.lifetime_share = moved->lifetime_share;
    server.state_since = moved->idle_since;
    server.endpoint = moved->endpoint;
    server.closes_when_free = server.endpoint != settings_->endpoint;
    for (const auto& [parameter, value] : moved->parameters)
        server.parameters.values.set(values_, parameter, value);
    for (const auto& [parameter, value] : moved->defaults)
        server.defaults.set(values_, parameter, value);
    server.parameters.set = moved->set;
    server.fingerprint = std::move(moved->fingerprint);
    Pool& pool = *pools_[index];
    ++pool.servers;
    if (pool.welcome.empty()) pool.welcome = std::move(moved->welcome);
    server.state = ServerState::Idle;
    metrics_.servers_idle.add();
    const bool is_unsure = needs_check(server);
    enter(server, ServerState::Cleaning);
    if (moved->has_statements) {
        // Its statements have the numbers of the other worker.
        inject_query(server, "DEALLOCATE ALL");
    }
    const bool is_doubtful = server.fingerprint != pool.fingerprint && !pool.is_blind;
    if (is_doubtful && !pool.is_replication) {
        look(server);
    } else if (!server.replies.is_empty()) {
        // It is given back behind that.
    } else if (is_unsure && !server.closes_when_free) {
        check(server);
    } else {
        give_back(server);
    }
    return server.link;
}

}  // namespace penstock::proxy
