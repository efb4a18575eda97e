// Who gets which server, and when one comes back.
#include "crds/api/check.hpp"
#include "dataplane/control/admission.hpp"
#include "dataplane/proxy/core.hpp"
#include "dataplane/wire/writer.hpp"

#include <algorithm>
#include <utility>

namespace penstock::proxy {
namespace {

using session::HoldReason;

std::int64_t to_us(Duration duration) {
    return std::chrono::duration_cast<std::chrono::microseconds>(duration).count();
}

std::int64_t to_us(TimePoint time) { return to_us(time.time_since_epoch()); }

std::string_view reason_text(control::RefusalReason reason) {
    return reason == control::RefusalReason::QueueLength ? "queue_length" : "queue_wait";
}

}  // namespace

// The server that the client begins its transaction with, if one is there at once. Requires: the
// client is Idle.
Server* Core::acquire_idle(Client& client) {
    Pool& pool = pool_of(client);
    metrics_.transactions_offered.add();
    client.active_at = now_;
    if (!pool.waiting.is_empty() || pool.idle.empty() || !may_start()) return nullptr;
    Server* const server = take_idle(pool);
    if (server != nullptr) link(client, *server);
    return server;
}

// Requires: acquire_idle() found none. detail: of a refusal, for machines.
Core::Acquired Core::acquire(Client& client, std::string& detail) {
    Pool& pool = pool_of(client);
    learn_failure(pool);
    if (is_down(pool)) {
        metrics_.transactions_refused.add();
        pool.is_missed = true;
        want(client.pool);
        return Acquired::Down;
    }
    const auto& throttle = board_.throttle;
    control::AdmissionInput input;
    input.waiting = pool.share->waiting.load(std::memory_order_relaxed);
    input.waiting_max = throttle.queue_length_max.load(std::memory_order_relaxed);
    input.wait_max_us = throttle.queue_wait_max_us.load(std::memory_order_relaxed);
    if (input.wait_max_us > 0) {
        input.hold_us = pool.hold_time.mean_us(now_);
        input.servers = servers_within_reach(pool);
    }
    const control::Admission admission = control::admit(input);
    if (admission.refused != control::RefusalReason::None) {
        if (throttle.enforced.load(std::memory_order_relaxed)) {
            metrics_.transactions_refused.add();
            const std::int64_t retry_after_ms =
                std::max<std::int64_t>(10, 2 * admission.predicted_wait_us / 1'000);
            detail = "reason=" + std::string(reason_text(admission.refused)) +
                     " waiting=" + std::to_string(input.waiting) +
                     " retry_after_ms=" + std::to_string(retry_after_ms);
            return Acquired::Refused;
        }
        metrics_.would_refuse.add();
    }
    enqueue(client, pool);
    return Acquired::Waiting;
}

// The idle server that served last; null if it must be checked first, which is begun. Requires:
// there is an idle one.
Server* Core::take_idle(Pool& pool) {
    Server& server = servers_.at(pool.idle.back());
    pool.idle.pop_back();
    if (!needs_check(server)) return &server;
    check(server);
    return nullptr;
}

// That the pool has in all workers, or may still open.
std::int32_t Core::servers_within_reach(const Pool& pool) const {
    const std::int32_t has = pool.share->servers.load(std::memory_order_relaxed);
    const pool::ServerLimits& limits = settings_->server_limits;
    const std::int32_t own_max = limits.per_user == 0 ? limits.per_database
                                 : limits.per_database == 0
                                     ? limits.per_user
                                     : std::min(limits.per_user, limits.per_database);
    const std::int32_t within_reach = has + std::max(0, board_.limit() - board_.used());
    return own_max > 0 ? std::min(within_reach, std::max(has, own_max)) : within_reach;
}

// Does the policy's limit on transactions at once leave room for one more?
bool Core::may_start() const {
    const auto& throttle = board_.throttle;
    const std::int32_t at_once_max = throttle.concurrency_max.load(std::memory_order_relaxed);
    if (at_once_max <= 0 || !throttle.enforced.load(std::memory_order_relaxed)) return true;
    return board_.sum(&pool::Board::Worker::busy) < at_once_max;
}

// Requires: the server is Idle and in no list.
void Core::link(Client& client, Server& server) {
    enter(server, ServerState::Linked);
    server.has_served = true;
    server.client = client.link.slot;
    server.query_since = now_;
    client.server = server.link.slot;
    client.state = ClientState::Linked;
    client.held_since = client.begun_at = now_;
    if (pool_of(server).key.mode == PoolMode::Session) server.hold.set(HoldReason::Session);
    const Duration waited = now_ - client.active_at;
    metrics_.wait.add(waited);
    if (waited > Duration::zero()) metrics_.wait_us.add(static_cast<std::uint64_t>(to_us(waited)));
    for (const session::StatementId statement : server.tainted) server.statements.spoil(statement);
    server.tainted.clear();
    server.alteration = 0;
    server.is_settling = false;
    server.has_set_in_batch = false;
    server.resetting.clear();
    if (!session::fits(server.parameters, client.parameters) && !pool_of(server).is_replication)
        fit_parameters(client, server);
}

void Core::enqueue(Client& client, Pool& pool) {
    client.state = ClientState::Waiting;
    client.is_queued = true;
    pool.waiting.push_back(client.link.slot, links());
    ++waiting_;
    pool.share->waiting.fetch_add(1, std::memory_order_relaxed);
    metrics_.clients_waiting.set(static_cast<std::uint64_t>(waiting_));
    board_.worker(worker_).waiting.store(waiting_, std::memory_order_relaxed);
    want(client.pool);
}

void Core::dequeue(Client& client) {
    pool_of(client).waiting.remove(client.link.slot, links());
    client.is_queued = false;
    --waiting_;
    pool_of(client).share->waiting.fetch_sub(1, std::memory_order_relaxed);
    metrics_.clients_waiting.set(static_cast<std::uint64_t>(waiting_));
    board_.worker(worker_).waiting.store(waiting_, std::memory_order_relaxed);
}

void Core::want(std::uint32_t index) {
    Pool& pool = *pools_[index];
    if (!pool.is_wanting) {
        pool.is_wanting = true;
        wanting_.push_back(index);
        if (board_.workers() > 1) {
            pool.share->since_us[worker_].store(to_us(now_), std::memory_order_relaxed);
            pool.share->wanting_workers.fetch_or(own_bit());
        }
    }
    if (board_.workers() > 1 && pool.idle.empty() && is_short(pool)) ask_others(pool);
}

// Do more wait than there are servers that come free at once, as they are only asked something?
bool Core::is_short(const Pool& pool) {
    return static_cast<std::int32_t>(pool.waiting.size()) > pool.checking;
}

// Nobody waits for a server of this pool any more.
void Core::end_wanting(Pool& pool) {
    pool.is_wanting = false;
    if (pool.has_claim) {
        pool.has_claim = false;
        board_.shares.drop_claim(*pool.share);
    }
    if (board_.workers() == 1) return;
    pool.share->since_us[worker_].store(0, std::memory_order_relaxed);
    pool.share->wanting_workers.fetch_and(~own_bit());
}

// Since when the pool's oldest client has waited for a server, for a transaction or to be welcomed.
TimePoint Core::oldest_wait(const Pool& pool) {
    TimePoint oldest = now_;
    for (const std::uint32_t front : {pool.waiting.front(), pool.welcoming.front()}) {
        if (front != no_slot) oldest = std::min(oldest, clients_.at(front).active_at);
    }
    return oldest;
}

void Core::publish_oldest_wait() {
    if (board_.workers() == 1) return;
    TimePoint oldest = now_;
    for (const std::uint32_t index : wanting_) {
        const Pool& pool = *pools_[index];
        const TimePoint since = oldest_wait(pool);
        oldest = std::min(oldest, since);
        pool.share->since_us[worker_].store(to_us(since), std::memory_order_relaxed);
    }
    const bool anybody = !wanting_.empty();
    board_.worker(worker_).oldest_wait_us.store(
        anybody ? to_us(oldest) : 0, std::memory_order_relaxed
    );
}

// Gives the pool's free servers to those who have waited longest.
void Core::serve(Pool& pool) {
    while (!pool.waiting.is_empty() && !pool.idle.empty() && may_start()) {
        const auto waiting = static_cast<std::int32_t>(pool.waiting.size());
        if (waiting <= pool.checking && needs_check(servers_.at(pool.idle.back()))) return;
        Server* const free = take_idle(pool);
        if (free == nullptr) continue;
        Server& server = *free;
        Client& client = clients_.at(pool.waiting.front());
        dequeue(client);
        link(client, server);
        client.active_at = now_;
        resume_reads(client);
        if (client.probed != nullptr) {
            if (server.replies.is_empty()) release_if_free(server);
            continue;
        }
        CHECK(client.stash != nullptr);
        run_on(client, open_stash(client.stash, {}, 0));
    }
}

// The client no longer waits, so what it sends need not be kept.
void Core::resume_reads(Client& client) {
    if (!client.reads_paused) return;
    client.reads_paused = false;
    act(ActionKind::ResumeReads, client.link);
}

void Core::release_if_free(Server& server) {
    Client& client = clients_.at(server.client);
    if (client.is_leaving && server.replies.is_empty() && !server.is_ending) return part(client);
    if (server.is_ending) return;
    const bool is_mid_message = client.body == Body::Forward && client.body_missing > 0;
    server.hold.set(HoldReason::Owed, !server.replies.is_empty());
    server.hold.set(HoldReason::MidMessage, is_mid_message);
    if (client.probed != nullptr && server.hold.has(HoldReason::Session)) {
        if (server.replies.is_empty()) session_begins(client, server);
        return;
    }
    if (pool_of(server).key.mode == PoolMode::Transaction) server.hold.clear(HoldReason::Session);
    if (!server.hold.is_empty()) {
        const bool is_between =
            server.replies.is_empty() && server.status == wire::TransactionStatus::Idle;
        // In mode Session each transaction counts, though the server stays.
        if (server.hold.has(HoldReason::Session) && is_between) {
            metrics_.transactions.add();
            client.begun_at = now_;
        }
        return;
    }
    unlink(client, server);
    if (client.probed != nullptr) {
        give_back(server);
        return probe_ended(client);
    }
    metrics_.transactions.add();
    client.state = ClientState::Idle;
    client.active_at = now_;
    give_back(server);
}

void Core::unlink(Client& client, Server& server) {
    const Duration held = now_ - client.held_since;
    metrics_.transaction.add(held);
    metrics_.hold_us.add(static_cast<std::uint64_t>(std::max<std::int64_t>(0, to_us(held))));
    if (client.probed == nullptr) pool_of(server).hold_time.add(held, now_);
    client.server = no_slot;
    client.state = ClientState::Idle;
    client.bound_commands.reset();
    server.forgotten.reset();
    server.client = no_slot;
    server.cancel_when_own_ends = false;
    server.has_set = server.has_reset = false;
    server.repeats_own = false;
    if (server.changed.is_empty()) return;
    for (std::size_t i = 0; i < session::replayed_parameters; ++i) {
        if (server.changed.has(i)) server.parameters.set.set(i);
    }
    server.changed.clear();
    server.before.clear(values_);
}

// Requires: no client has the server, nothing is owed, no transaction is open.
void Core::give_back(Server& server) {
    server.hold.clear_all();
    server.cancel_when_own_ends = false;
    if (server.cancels > 0) return enter(server, ServerState::Parked);
    // Those who wait are still served in a drain.
    const bool is_last = is_draining_ && pool_of(server).waiting.is_empty();
    if (server.closes_when_free || is_last || is_old(server) || board_.excess() > 0)
        return close_server(server);
    Pool& pool = pool_of(server);
    const bool may_go = this->may_go(server);
    const bool is_asked_for = has_lowered_limits_ || board_.server_counts.anybody_waits(now_);
    if (settings_->server_limits.are_set() && may_go && is_asked_for &&
        board_.server_counts.must_go(owner(pool), settings_->server_limits, now_))
        return close_server(server);
    if (may_go &&
        board_.shares.may_have_to_give(pool.share->servers.load(std::memory_order_relaxed)) &&
        give_up(server))
        return;
    if (!server.unsure.is_empty()) server.traces.add(session::Trace::Settings);
    if (!server.traces.is_empty()) return remove_traces(server);
    if (server.prepared_by_sql > 0 && pool.key.tracks_statements) {
        // Its names are not ours and may be those of the next client's.
        server.prepared_by_sql = 0;
        server.statements.clear();
        enter(server, ServerState::Cleaning);
        return inject_query(server, "DEALLOCATE ALL");
    }
    // A client's own application_name takes the tag off, by which the database counts us.
    if (server.is_untagged && !pool_of(server).is_replication) {
        enter(server, ServerState::Cleaning);
        server.parameters.set.set(session::application_name_index, false);
        return inject_query(server, "RESET application_name");
    }
    enter(server, ServerState::Idle);
    pool.idle.push_back(server.link.slot);
    if (board_.workers() > 1) freed_.push_back(server.link);
}

// Before a stranger gets it. Behind the last reply, so mostly in the same packet.
void Core::remove_traces(Server& server) {
    const session::Traces traces = std::exchange(server.traces, {});
    metrics_.servers_cleaned.add();
    if (traces.has(session::Trace::Library)) return close_server(server);
    if (traces.has(session::Trace::Settings)) {
        server.parameters.set.clear();
        server.is_judged = true;
    }
    enter(server, ServerState::Cleaning);
    inject_query(server, session::cleaning_sql(traces));
}

}  // namespace penstock::proxy
