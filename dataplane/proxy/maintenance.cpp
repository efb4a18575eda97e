// What time brings about: timeouts, limits, drain.
#include "dataplane/proxy/core.hpp"

#include <algorithm>

namespace penstock::proxy {
namespace {

constexpr Duration quick = std::chrono::milliseconds(25);  // while somebody waits for something
constexpr Duration slow = std::chrono::milliseconds(250);

// A server that was told to go and whose stream does not end is given up after this long: the
// network is gone.
constexpr Duration closing_max = std::chrono::seconds(60);

// Idle clients are handed off at this rate, so that they do not all log in elsewhere at once.
constexpr std::size_t handed_off_per_tick = 100;

// A client that was silent for so long in a drain reads what is sent to it by itself, not in one
// read with the ReadyForQuery before.
constexpr Duration silence_min = std::chrono::milliseconds(500);

// At the end of a drain, a message that is being passed on may reach its own end.
constexpr Duration mid_reply_max = std::chrono::seconds(1);

bool is_over(Duration limit, TimePoint since, TimePoint now) {
    return limit > Duration::zero() && now - since >= limit;
}

}  // namespace

void Core::tick() {
    has_asked_others_ = false;
    if (waiting_ > 0) time_out_waiting();
    if (now_ >= slow_tick_) {
        slow_tick_ = now_ + slow;
        time_out_clients();
        time_out_servers();
        close_excess();
        close_beyond_limits();
        check_shares();
    }
    if (is_draining_) drain_clients();
    const bool is_busy = !wanting_.empty() || opening_ > 0 || is_draining_;
    next_tick_ = now_ + (is_busy ? quick : slow);
}

// What other workers see of this one's pools.
void Core::check_shares() {
    for (const auto& pool : pools_) {
        if (pool->share == nullptr) continue;  // it is freed
        if (!pool->is_wanting && pool->share->reserved.load(std::memory_order_relaxed) > 0)
            pass_reserved_on(*pool->share);
        if (board_.workers() == 1) continue;
        if (pool->idle.empty()) {
            forget_idle(*pool);
        } else {
            tell_idle(*pool);
        }
    }
}

TimePoint Core::next_tick() const {
    const bool is_busy = !wanting_.empty() || is_draining_;
    return is_busy ? std::min(next_tick_, now_ + quick) : next_tick_;
}

void Core::time_out_waiting() {
    const Duration limit = settings_->queue_wait_timeout;
    if (limit <= Duration::zero()) return;
    for (const std::uint32_t index : std::vector<std::uint32_t>(wanting_)) {
        pool::SlotList& waiting = pools_[index]->waiting;
        while (!waiting.is_empty() && is_over(limit, clients_.at(waiting.front()).active_at, now_)
        ) {
            metrics_.transactions_refused.add();
            refuse_waiting(
                clients_.at(waiting.front()),
                {wire::Severity::Error,
                 wire::sql_state::too_many_connections,
                 "no server connection became free in time: the transaction was refused before it "
                 "began",
                 "reason=queue_wait_timeout",
                 "timeouts.queryWaitSeconds is the limit; the connection stays usable."}
            );
        }
    }
}

void Core::time_out_clients() {
    for (std::uint32_t slot = 0; slot < clients_.slots(); ++slot) {
        Client* const client = clients_.at_if_used(slot);
        if (client == nullptr) continue;
        const bool is_login =
            client->state == ClientState::LoggingIn || client->state == ClientState::Welcoming;
        if (is_login && is_over(settings_->client_login_timeout, client->accepted_at, now_)) {
            metrics_.clients_timed_out.add();
            fail_client(
                *client,
                {wire::Severity::Fatal,
                 wire::sql_state::connection_failure,
                 "the login was not finished in time",
                 {},
                 "timeouts.clientLoginSeconds is the limit."}
            );
        } else if (client->state == ClientState::Idle &&
                   is_over(settings_->client_idle_timeout, client->active_at, now_)) {
            metrics_.clients_timed_out.add();
            fail_client(
                *client,
                {wire::Severity::Fatal,
                 wire::sql_state::idle_session_timeout,
                 "terminating connection due to idle-session timeout",
                 {},
                 "timeouts.clientIdleSeconds is the limit."}
            );
        }
    }
}

void Core::time_out_servers() {
    for (std::uint32_t slot = 0; slot < servers_.slots(); ++slot) {
        Server* const server = servers_.at_if_used(slot);
        if (server == nullptr) continue;
        switch (server->state) {
            case ServerState::Connecting:
            case ServerState::LoggingIn:
                if (!is_over(settings_->server_connect_timeout, server->connected_at, now_)) break;
                server_login_failed(
                    *server,
                    {false,
                     "FATAL",
                     std::string(wire::sql_state::connection_failure),
                     "the database at " + settings_->database_address + " did not answer in time"}
                );
                close_server(*server);
                break;
            case ServerState::Idle: {
                if (!is_old(*server) &&
                    !is_over(settings_->server_idle_timeout, server->state_since, now_))
                    break;
                close_server(*server);
                break;
            }
            case ServerState::Linked:
                time_out_linked(*server, clients_.at(server->client));
                break;
            case ServerState::Closing:
                if (!is_over(closing_max, server->state_since, now_)) break;
                act(ActionKind::Abort, server->link);
                server_gone(*server);
                break;
            case ServerState::Cleaning:
                if (!server->is_checking) {
                    time_out_cleaning(*server);
                } else if (is_over(settings_->server_connect_timeout, server->state_since, now_)) {
                    // Of a broken network nothing else is heard.
                    act(ActionKind::Abort, server->link);
                    server_gone(*server);
                }
                break;
            case ServerState::Parked:
                break;  // by the time of its cancel
        }
    }
    time_out_cancels();
}

void Core::time_out_cancels() {
    const bool has_limit = settings_->cancel_wait_timeout > Duration::zero();
    const Duration limit = has_limit ? settings_->cancel_wait_timeout : closing_max;
    for (std::uint32_t slot = 0; slot < cancels_.slots(); ++slot) {
        Cancel* const cancel = cancels_.at_if_used(slot);
        if (cancel == nullptr || !is_over(limit, cancel->started_at, now_)) continue;
        // Whether its signal is still to come is not known, so its server must not be handed on.
        if (Server* server = server_at(cancel->server)) server->closes_when_free = true;
        act(ActionKind::Abort, cancel->link);
        cancel_over(*cancel);
    }
}

void Core::time_out_linked(Server& server, Client& client) {
    const bool is_owed = !server.replies.is_empty();
    const bool is_in_transaction = server.status != wire::TransactionStatus::Idle;
    const bool is_unsynced = server.hold.has(session::HoldReason::Unsynced);
    const bool is_between = !is_owed && !is_in_transaction && !is_unsynced;
    // Does it go on only when the client does? What is not flushed the server may keep back.
    const bool is_clients_turn =
        !client.is_leaving &&
        (!is_owed || server.replies.is_copy_in() || (is_unsynced && server.replies.is_unflushed()));
    const TimePoint silent_since = std::max(client.active_at, server.query_since);
    if (is_between) client.begun_at = now_;
    std::string_view sql_state;
    std::string_view message;
    std::string_view hint;
    if (is_owed && is_over(settings_->query_timeout, server.query_since, now_)) {
        sql_state = wire::sql_state::query_canceled;
        message = "terminating connection due to query timeout";
        hint = "timeouts.querySeconds is the limit.";
    } else if (is_clients_turn && !is_between && is_over(settings_->idle_in_transaction_timeout, silent_since, now_)) {
        sql_state = wire::sql_state::idle_in_transaction_session_timeout;
        message = "terminating connection due to idle-in-transaction timeout";
        hint = "timeouts.idleInTransactionSeconds is the limit.";
    } else if (!is_between && is_over(settings_->transaction_timeout, client.begun_at, now_)) {
        sql_state = wire::sql_state::transaction_timeout;
        message = "terminating connection due to transaction timeout";
        hint = "timeouts.transactionSeconds is the limit.";
    } else if (is_clients_turn && !is_in_transaction && is_over(settings_->client_idle_timeout, silent_since, now_)) {
        sql_state = wire::sql_state::idle_session_timeout;
        message = "terminating connection due to idle-session timeout";
        hint = "timeouts.clientIdleSeconds is the limit.";
    } else {
        return;
    }
    metrics_.clients_timed_out.add();
    fail_client(client, {wire::Severity::Fatal, sql_state, message, {}, hint});
}

// Its client is gone. What that one left to be done has the client's timeouts; what is ours must be
// quick.
void Core::time_out_cleaning(Server& server) {
    const bool has_limit = settings_->cancel_wait_timeout > Duration::zero();
    const Duration limit = has_limit ? settings_->cancel_wait_timeout : closing_max;
    const bool is_own =
        server.was_cancelled || server.replies.is_empty() || server.replies.head().is_swallowed;
    const TimePoint since = std::max(server.query_since, server.state_since);
    const bool is_late =
        is_own ? is_over(limit, since, now_)
               : is_over(settings_->query_timeout, server.query_since, now_) ||
                     is_over(settings_->transaction_timeout, server.state_since, now_);
    if (is_late) close_server(server);
}

// Nothing can be said to it either.
void Core::unread(LinkId link) {
    Client* const client = client_at(link);
    if (client == nullptr) return;
    metrics_.clients_timed_out.add();
    act(ActionKind::Abort, link);
    leave(*client, Leaving::CutOff);
}

void Core::drain() {
    if (is_draining_) return;
    is_draining_ = true;
    drain_until_ = now_ + settings_->drain_timeout;
    drain_clients();
}

void Core::cut_off() {
    is_draining_ = true;
    drain_until_ = now_ - mid_reply_max;
    drain_clients();
}

// Session mode: the server stays, and nothing is under way there.
bool Core::is_between_transactions(const Server& server) {
    return server.hold.is_only(session::HoldReason::Session) && server.replies.is_empty() &&
           server.status == wire::TransactionStatus::Idle && !server.is_ending;
}

// In a drain the client's next message is answered by the error that PostgreSQL would send: behind
// a ReadyForQuery libpq takes one for a notice, and reports only that the connection was closed.
Core::Next Core::hand_off(Client& client) {
    fail_client(client, {wire::Severity::Fatal, wire::sql_state::admin_shutdown, drain_text});
    return Next::Gone;
}

// Nothing of the client's is under way, and it has been silent: one that is busy is handed off when
// it says something, one that logs in when it has said all (client_authenticated).
bool Core::may_hand_off(const Client& client) {
    if (client.state == ClientState::LoggingIn)
        return !client.is_cancelling && now_ - client.active_at >= silence_min;
    // Authenticated, and waits for a server. An error is the answer to its login.
    if (client.state == ClientState::Welcoming || client.probed != nullptr) return true;
    // A message that has begun to arrive begins a transaction.
    if (client.stash != nullptr || client.body != Body::None) return false;
    const bool is_free = client.state == ClientState::Idle ||
                         (client.state == ClientState::Linked && client.probed == nullptr &&
                          is_between_transactions(servers_.at(client.server)));
    return is_free && now_ - client.active_at >= silence_min;
}

void Core::drain_clients() {
    const bool is_late = now_ >= drain_until_;
    const bool is_last = now_ >= drain_until_ + mid_reply_max;
    std::size_t handed_off = 0;
    for (std::uint32_t slot = 0; slot < clients_.slots(); ++slot) {
        Client* const client = clients_.at_if_used(slot);
        if (client == nullptr) continue;
        if (!is_late && (handed_off >= handed_off_per_tick || !may_hand_off(*client))) continue;
        if (is_late && !is_last && client->state == ClientState::Linked) {
            // Inside a message nothing can be said: it is let pass.
            const Server& server = servers_.at(client->server);
            if (server.body == Body::Forward && server.body_missing > 0) continue;
        }
        ++handed_off;
        hand_off(*client);
    }
    if (clients_.size() == 0) finish_drain();
}

// Requires: no client is left.
void Core::finish_drain() {
    for (std::uint32_t slot = 0; slot < servers_.slots(); ++slot) {
        Server* const server = servers_.at_if_used(slot);
        if (server == nullptr || server->state == ServerState::Closing) continue;
        // What a client sent before it said goodbye is done first, unless it is late.
        const bool is_at_work =
            server->state == ServerState::Cleaning || server->state == ServerState::Parked;
        if (is_at_work && now_ < drain_until_) continue;
        close_server(*server);
    }
    if (servers_.size() > 0 || is_drained_) return;
    is_drained_ = true;
    act(ActionKind::Drained, {});
}

}  // namespace penstock::proxy
