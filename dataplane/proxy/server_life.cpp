// Opening, cleaning and closing servers. A server holds a permit from before it is opened until
// PostgreSQL has closed it: PostgreSQL's backend leaves the connection open until it has left the
// list of backends, so the end of the stream is when it no longer counts there either.
#include "crds/api/check.hpp"
#include "dataplane/pool/sizing.hpp"
#include "dataplane/proxy/core.hpp"
#include "dataplane/wire/writer.hpp"

#include <algorithm>
#include <array>

namespace penstock::proxy {
namespace {

using session::Expect;
using session::HoldReason;
using session::ServerLoginStep;

constexpr Duration first_retry = std::chrono::milliseconds(100);

// So long a client that logs in waits for a busy server rather than for a new one.
constexpr Duration look_wait = std::chrono::milliseconds(50);

// By ServerState.
constexpr std::array<Counter Metrics::*, 7> counters{
    &Metrics::servers_opening,
    &Metrics::servers_opening,
    &Metrics::servers_idle,
    &Metrics::servers_busy,
    &Metrics::servers_busy,
    &Metrics::servers_busy,
    &Metrics::servers_closing,
};
static_assert(static_cast<std::size_t>(ServerState::Closing) + 1 == counters.size());

Counter Metrics::*counter_of(ServerState state) {
    return counters[static_cast<std::size_t>(state)];
}

}  // namespace

// The one place where a server's state changes.
void Core::enter(Server& server, ServerState state) {
    (metrics_.*counter_of(server.state)).subtract();
    if (state == ServerState::Closing && server.state != state) {
        ++pool_of(server).closing;
        pool_of(server).share->servers.fetch_sub(1);
    }
    server.state = state;
    server.state_since = now_;
    (metrics_.*counter_of(state)).add();
    publish_servers();
}

void Core::publish_servers() {
    auto& shared = board_.worker(worker_);
    shared.busy.store(
        static_cast<std::int32_t>(metrics_.servers_busy.get()), std::memory_order_relaxed
    );
    shared.idle.store(
        static_cast<std::int32_t>(metrics_.servers_idle.get()), std::memory_order_relaxed
    );
    shared.closing.store(
        static_cast<std::int32_t>(metrics_.servers_closing.get()), std::memory_order_relaxed
    );
}

// Each server lives for its own part of the last tenth of the lifetime.
bool Core::is_old(const Server& server) const {
    const Duration lifetime = settings_->server_lifetime;
    const Duration age = now_ - server.connected_at;
    if (lifetime <= Duration::zero() || age < lifetime / 2) return false;
    const Duration spared = lifetime / 10 * server.lifetime_share / 65'536;
    return age >= lifetime - spared;
}

void Core::open_wanted(std::uint32_t index) {
    Pool& pool = *pools_[index];
    learn_failure(pool);
    if (now_ < pool.open_not_before) return;
    pool::SizingInput input;
    input.waiting = static_cast<std::int32_t>(pool.waiting.size());
    // One server tells what all who log in need to know. It may come free soon.
    const bool has_servers = pool.servers > pool.opening + pool.closing && !pool.is_outdated;
    const bool may_wait = !pool.welcoming.is_empty() && has_servers && !pool.welcome.empty() &&
                          pool.key.mode == PoolMode::Transaction &&
                          now_ - oldest_wait(pool) < look_wait;
    if ((!pool.welcoming.is_empty() && !may_wait) || pool.is_missed)
        input.waiting = std::max(input.waiting, 1);
    input.idle = static_cast<std::int32_t>(pool.idle.size());
    input.opening = pool.opening + pool.checking;
    input.logins_in_flight = board_.logins();
    input.logins_in_flight_max = settings_->logins_in_flight_max;
    const pool::Sizing sizing = pool::servers_to_open(input);
    if (sizing.to_open == 0) return;
    // One that is free elsewhere has been asked for. Without any here every transaction would.
    if (board_.workers() > 1 && pool.servers > pool.closing && !pool.is_outdated &&
        is_short(pool) && has_idle_elsewhere(pool))
        return;
    for (std::int32_t i = 0; i < sizing.to_open; ++i) {
        if (!board_.take_login(settings_->logins_in_flight_max)) return;
        pool.is_full = !find_permit(pool, sizing.to_open - i);
        if (pool.is_full) return board_.give_login();
        open_server(index);
    }
}

void Core::open_server(std::uint32_t index) {
    Pool& pool = *pools_[index];
    const auto name = servers_.add();
    Server& server = servers_.at(name.slot);
    server.link = {name.generation, name.slot, LinkKind::Server};
    server.pool = index;
    server.connected_at = server.state_since = now_;
    server.lifetime_share = static_cast<std::uint16_t>(random_u32());
    server.endpoint = settings_->endpoint;
    metrics_.servers_opening.add();
    ++pool.servers;
    pool.share->servers.fetch_add(1);
    ++pool.opening;
    ++opening_;
    pool.is_missed = false;

    session::ServerLoginSettings login;
    login.user = pool.key.user;
    login.database = pool.key.database;
    login.parameters = pool.key.pinned;
    // A walsender is no client backend, so it is not counted by its name; a standby is known by it.
    if (!pool.is_replication) login.application_name = settings_->application_tag;
    login.tls = settings_->server_tls;
    session::ServerLoginSecret secret;
    if (const wire::Secret* known = settings_->users.find(pool.key.user)) secret.secret = *known;
    secret.scram_keys = pool.scram_keys;
    session::ServerLoginNonce nonce;
    random_.fill(nonce.data(), nonce.size());
    server.login =
        std::make_unique<session::ServerLogin>(std::move(login), std::move(secret), nonce);
    act(ActionKind::Open, server.link);
}

void Core::server_login_bytes(Server& server, std::string_view bytes) {
    const std::string_view chunk = open_stash(server.stash, bytes, 0);
    std::string out;
    std::size_t consumed = 0;
    const ServerLoginStep step = server.login->feed(chunk, out, consumed);
    if (consumed < chunk.size()) keep_stash(server.stash, chunk.substr(consumed));
    if (!out.empty()) send_copy(server.link, out);
    switch (step) {
        case ServerLoginStep::NeedMore:
            return;
        case ServerLoginStep::StartTls:
            return act(ActionKind::StartTls, server.link);
        case ServerLoginStep::Ready:
            return server_ready(server);
        case ServerLoginStep::Failed:
            server_login_failed(server, server.login->failure());
            return close_server(server);
    }
}

void Core::server_ready(Server& server) {
    session::ServerLoginResult result = server.login->take_result();
    end_login(server);
    Pool& pool = pool_of(server);
    for (const auto& [name, value] : result.parameters) {
        const auto index = session::tracked_index(name);
        if (!index) continue;
        server.parameters.values.set(values_, *index, value);
        server.defaults.set(values_, *index, value);
    }
    server.process_id = result.process_id;
    server.cancel_key = std::move(result.cancel_key);
    if (result.scram_keys) pool.scram_keys = std::move(result.scram_keys);
    logins_succeed(pool);
    pool.is_missed = false;
    server_error_.clear();
    metrics_.server_logins.add();
    // The newest login shows what new sessions get.
    if (pool.welcome != result.parameters) pool.known.clear();
    pool.welcome = std::move(result.parameters);
    pool.is_welcome_stale = pool.is_outdated = false;
    server.checked_at = now_;
    // It is no longer opening, whatever becomes of it.
    enter(server, ServerState::Cleaning);
    if (pool.is_replication || pool.is_blind) {
        // First: those who are welcomed may ask for a server at once.
        give_back(server);
        welcome_all(pool);
    } else {
        // Settings may have changed since the login began.
        look(server);
    }
    if (server.stash != nullptr && server.state != ServerState::Closing) server_bytes(server, {});
}

void Core::server_login_failed(Server& server, session::ServerLoginFailure failure) {
    Pool& pool = pool_of(server);
    metrics_.server_login_failures.add();
    if (failure.sql_state == wire::sql_state::too_many_connections) {
        metrics_.database_refusals.add();
        // The database has less room than the limit says: it is shared as if that were the limit.
        make_way(pool);
        claim(pool, 1);
    }
    server_error_ = failure.message + " (user \"" + pool.key.user + "\", database \"" +
                    pool.key.database + "\")";
    pool.failure = std::move(failure);
    pool.login_retry = std::max(first_retry, pool.login_retry * 2);
    if (settings_->server_login_retry > Duration::zero()) {
        pool.login_retry = std::min(pool.login_retry, settings_->server_login_retry);
    }
    pool.open_not_before = now_ + pool.login_retry;
    // While one server of the pool lives, those who wait may still hope for it.
    if (has_living_server(pool)) return;
    share_failure(pool);
    refuse_welcoming(pool);
    if (is_down(pool)) refuse_unserved(pool);
}

// The client that had it is gone: what it began is brought to an end without harm to what it
// finished, and nothing is committed that it did not ask for.
void Core::clean(Server& server, Leaving how) {
    server.was_cancelled = is_cancelled_for(server, how);
    server.unread_bytes = 0;
    const bool was_unsynced = server.hold.has(HoldReason::Unsynced);
    server.hold.clear_all();
    enter(server, ServerState::Cleaning);
    if (was_unsynced) {
        abort_batch(server);
    } else if (server.replies.is_copy_in()) {
        end_copy_in(server);
    }
    if (server.was_cancelled) start_cancel(server, {}, worker_);
    if (server.replies.is_empty()) clean_on(server);
}

// Who broke away can see no result; but of several requests a cancel might meet the wrong one.
bool Core::is_cancelled_for(const Server& server, Leaving how) {
    if (server.replies.is_empty() || how == Leaving::Orderly) return false;
    return how == Leaving::CutOff || server.replies.is_one_request();
}

// What its client sent since the last Sync is rolled back: PostgreSQL would do so at the end of its
// stream. An error comes first, since a Sync commits (manual, "Pipelining").
void Core::abort_batch(Server& server) {
    server.hold.clear(HoldReason::Unsynced);
    if (!server.replies.skips_to_sync()) {
        // An Execute of COPY may be under way; outside of COPY the message is ignored.
        if (!server.replies.is_empty()) end_copy_in(server);
        constexpr std::string_view no_sql =
            "penstock: the client left before Sync, so its batch is rolled back";
        std::string out;
        wire::MessageWriter(out, wire::Frontend::Parse).c_string("").c_string(no_sql).u16(0);
        send_copy(server.link, out);
        session::Expected entry;
        entry.kind = Expect::Abort;
        entry.is_swallowed = true;
        expect(server, entry);
        server.has_unnamed = true;
        server.unnamed_owner = {};
    }
    inject_sync(server);
}

// Requires: Cleaning, and nothing is owed.
void Core::clean_on(Server& server) {
    if (server.closes_when_free) return close_server(server);
    if (server.is_checking) {
        end_check(server);
        return give_back(server);
    }
    if (server.status != wire::TransactionStatus::Idle) {
        if (server.is_rolled_back) return close_server(server);
        server.is_rolled_back = true;
        return inject_query(server, "ROLLBACK");
    }
    server.is_rolled_back = false;
    if (pool_of(server).key.mode == PoolMode::Session && !server.is_discarded) {
        server.is_discarded = true;
        server.statements.clear();
        server.traces = {};
        server.parameters.set.clear();
        return inject_query(server, "DISCARD ALL");
    }
    server.is_discarded = false;
    give_back(server);
}

// The server reads COPY data that nobody will send.
void Core::end_copy_in(Server& server) {
    std::string out;
    wire::MessageWriter(out, wire::Frontend::CopyFail).c_string("the client is gone");
    session::Expected mark;
    mark.kind = Expect::CopyEnd;
    expect(server, mark);
    send_copy(server.link, out);
}

void Core::inject_sync(Server& server, Injected kind) {
    std::string out;
    wire::write_sync(out);
    send_copy(server.link, out);
    session::Expected entry;
    entry.kind = Expect::Sync;
    entry.is_swallowed = true;
    entry.is_replay = kind == Injected::Replay;
    expect(server, entry);
}

void Core::inject_query(Server& server, std::string_view sql, Injected kind) {
    std::string out;
    wire::write_query(out, sql);
    send_copy(server.link, out);
    session::Expected entry;
    entry.kind = Expect::Query;
    entry.is_swallowed = true;
    entry.is_replay = kind == Injected::Replay;
    entry.is_look = kind == Injected::Look;
    expect(server, entry);
    server.has_unnamed = false;
}

// Says goodbye and waits for PostgreSQL to close. Its client, if it has one, must leave next.
void Core::close_server(Server& server) {
    if (server.state == ServerState::Closing) return;
    if (server.state == ServerState::Idle) std::erase(pool_of(server).idle, server.link.slot);
    if (server.state == ServerState::Connecting) {
        act(ActionKind::Abort, server.link);
        return server_gone(server);
    }
    const bool is_logged_in = server.login == nullptr;
    if (!is_logged_in) end_login(server);
    end_check(server);
    if (!server.replies.is_empty()) {
        start_cancel(server, {}, worker_);
    } else if (is_logged_in && !server.is_ending) {
        send_terminate(server);
    }
    shut_server(server);
}

void Core::send_terminate(Server& server) {
    std::string out;
    wire::write_terminate(out);
    send_copy(server.link, out);
}

// What was sent to it is still done. Its client, if it has one, must leave next.
void Core::shut_server(Server& server) {
    enter(server, ServerState::Closing);
    if (!server.is_ending) act(ActionKind::ShutdownSend, server.link);
    metrics_.servers_closed.add();
}

void Core::end_login(Server& server) {
    server.login.reset();
    --pool_of(server).opening;
    --opening_;
    board_.give_login();
}

// The link is gone and PostgreSQL knows: the permit is free.
void Core::server_gone(Server& server) {
    const std::uint32_t index = server.pool;
    Pool& pool = *pools_[index];
    if (server.state == ServerState::Idle) std::erase(pool.idle, server.link.slot);
    if (server.login != nullptr) end_login(server);
    end_check(server);
    --pool.servers;
    if (server.state == ServerState::Closing) {
        --pool.closing;
    } else {
        pool.share->servers.fetch_sub(1);
    }
    const pool::Shares::Receiver receiver = server.receiver;
    (metrics_.*counter_of(server.state)).subtract();
    publish_servers();
    drop_notes(server);
    if (pool.looking == server.link) {
        pool.looking = {};
        want(index);
    }
    server.parameters.values.clear(values_);
    server.defaults.clear(values_);
    server.before.clear(values_);
    drop_stash(server.stash);
    servers_.remove(server.link.slot);
    note_unused(index);
    board_.server_counts.give(owner(pool));
    pass_permit_on(receiver);
}

void Core::close_excess() {
    for (const auto& pool : pools_) {
        while (!pool->idle.empty() && board_.excess() > 0) {
            close_server(servers_.at(pool->idle.front()));
        }
    }
}

// Free servers that are too many of their user or database.
void Core::close_beyond_limits() {
    const pool::ServerLimits& limits = settings_->server_limits;
    has_lowered_limits_ = false;
    if (!limits.are_set()) return;
    for (const auto& pool : pools_) {
        while (!pool->idle.empty() && may_go(servers_.at(pool->idle.front())) &&
               board_.server_counts.must_go(owner(*pool), limits, now_))
            close_server(servers_.at(pool->idle.front()));
    }
    has_lowered_limits_ = board_.server_counts.any_over(limits);
}

// They were opened to another address, or with other rules for TLS: free ones go at once, the
// others when they are free.
void Core::replace_servers() {
    for (std::uint32_t slot = 0; slot < servers_.slots(); ++slot) {
        Server* const server = servers_.at_if_used(slot);
        if (server == nullptr || server->endpoint == settings_->endpoint) continue;
        if (server->login != nullptr || server->state == ServerState::Idle) {
            close_server(*server);
        } else {
            server->closes_when_free = true;
        }
    }
    // What the other database reported and refused is not this one's word.
    for (const auto& pool : pools_) {
        pool->is_welcome_stale = true;
        if (pool->share != nullptr) logins_succeed(*pool);
    }
    for (const auto& pool : pools_) pool->known.clear();
}

bool Core::needs_check(const Server& server) const {
    const Duration delay = settings_->server_check_delay;
    return now_ - server.state_since >= delay && server.checked_at != now_;
}

// Whether it still lives shows here, before a client's request is with it. Requires: free,
// and in no list.
void Core::check(Server& server) {
    enter(server, ServerState::Cleaning);
    server.is_checking = true;
    ++pool_of(server).checking;
    inject_query(server, {});
}

void Core::end_check(Server& server) {
    if (!server.is_checking) return;
    server.is_checking = false;
    server.checked_at = now_;
    --pool_of(server).checking;
}

}  // namespace penstock::proxy
