// Idle servers that change workers: so that no client waits while another worker holds a server for
// it.
#include "crds/api/check.hpp"
#include "dataplane/proxy/core.hpp"

#include <algorithm>

namespace penstock::proxy {
namespace {

// Between workers, a server goes to clients that have waited longer by this much: so it does not go
// to and fro.
constexpr Duration other_worker_lead = std::chrono::milliseconds(5);

std::int64_t to_us(TimePoint time) {
    return std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch()).count();
}

}  // namespace

// Another worker's client waits and there is no permit: one idle server of ours goes to whoever has
// waited longest.
void Core::server_wanted() {
    const std::uint32_t worker = longest_waiting_worker(INT64_MAX);
    if (worker == no_slot) return;
    for (const auto& pool : pools_) {
        if (pool->idle.empty() || !pool->waiting.is_empty()) continue;
        Server& server = servers_.at(pool->idle.front());
        if (can_move(server)) return move_server(server, worker);
    }
}

// A server in the middle of a message stays: the other worker could not read on.
bool Core::can_move(const Server& server) const {
    return server.state == ServerState::Idle && server.stash == nullptr &&
           server.body == Body::None;
}

// To the other worker whose client has waited longest, if that is longer than any here has, of
// whatever pool: a server of the wrong pool gives up its permit. So a server comes to rest where
// the oldest wait is.
void Core::offer_to_others(Server& server) {
    TimePoint oldest = now_;
    for (const std::uint32_t pool : wanting_) oldest = std::min(oldest, oldest_wait(*pools_[pool]));
    const std::uint32_t other =
        longest_waiting_worker(to_us(wanting_.empty() ? now_ : oldest - other_worker_lead));
    if (other != no_slot) move_server(server, other);
}

// Requires: can_move.
void Core::move_server(Server& server, std::uint32_t worker) {
    if (std::erase(pool_of(server).idle, server.link.slot) == 0) return;  // on its way already
    actions_.push_back({ActionKind::MoveServer, server.link, {}, worker, {}});
    // Claimed: the other worker says anew who waits when it has this one.
    board_.worker(worker).oldest_wait_us.store(0, std::memory_order_relaxed);
}

// Requires: MoveServer was asked for this link in the last entry.
MovedServerPtr Core::take_moved(LinkId link) {
    Server* const server = server_at(link);
    CHECK(server != nullptr && server->state == ServerState::Idle && server->replies.is_empty());
    MovedServerPtr moved(new MovedServer);
    Pool& pool = pool_of(*server);
    moved->key = pool.key;
    for (std::size_t i = 0; i < session::tracked_parameters.size(); ++i) {
        const session::ValueId value = server->parameters.get(i);
        if (value != session::no_value) moved->parameters.emplace_back(i, values_.text(value));
    }
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
    metrics_.servers_moved.add();
    server->parameters.clear(values_);
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
        server.parameters.set(values_, parameter, value);
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
    } else if (is_unsure && !server.closes_when_free) {
        check(server);
    } else {
        give_back(server);
    }
    welcome_all(pool);
    return server.link;
}

}  // namespace penstock::proxy
