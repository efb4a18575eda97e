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

bool is_over(Duration limit, TimePoint since, TimePoint now) {
    return limit > Duration::zero() && now - since >= limit;
}

}  // namespace

void Core::tick() {
    has_asked_others_ = false;
    ended_.update(now_);
    if (waiting_ > 0) time_out_waiting();
    if (now_ >= slow_tick_) {
        slow_tick_ = now_ + slow;
        time_out_clients();
        time_out_servers();
        close_excess();
        close_beyond_limits();
    }
    if (is_draining_) drain_clients();
    const bool is_busy = waiting_ > 0 || welcoming_ > 0 || opening_ > 0 || is_draining_;
    next_tick_ = now_ + (is_busy ? quick : slow);
}

TimePoint Core::next_tick() const {
    const bool is_busy = waiting_ > 0 || welcoming_ > 0 || is_draining_;
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
                // Of a broken network nothing else is heard.
                if (!server->is_checking ||
                    !is_over(settings_->server_connect_timeout, server->state_since, now_))
                    break;
                act(ActionKind::Abort, server->link);
                server_gone(*server);
                break;
            case ServerState::Parked:
                break;
        }
    }
    for (std::uint32_t slot = 0; slot < cancels_.slots(); ++slot) {
        Cancel* const cancel = cancels_.at_if_used(slot);
        if (cancel == nullptr || !is_over(settings_->cancel_wait_timeout, cancel->started_at, now_))
            continue;
        // Whether its signal is still to come is not known, so its server must not be handed on.
        if (Server* server = server_at(cancel->server)) server->closes_when_free = true;
        act(ActionKind::Abort, cancel->link);
        cancel_over(*cancel);
    }
}

void Core::time_out_linked(Server& server, Client& client) {
    const bool is_owed = !server.replies.is_empty();
    const bool is_in_transaction = server.status != wire::TransactionStatus::Idle;
    std::string_view sql_state;
    std::string_view message;
    std::string_view hint;
    if (is_owed && is_over(settings_->query_timeout, server.query_since, now_)) {
        sql_state = wire::sql_state::query_canceled;
        message = "terminating connection due to query timeout";
        hint = "timeouts.querySeconds is the limit.";
    } else if (!is_owed && is_in_transaction &&
               is_over(settings_->idle_in_transaction_timeout, server.query_since, now_)) {
        sql_state = wire::sql_state::idle_in_transaction_session_timeout;
        message = "terminating connection due to idle-in-transaction timeout";
        hint = "timeouts.idleInTransactionSeconds is the limit.";
    } else if ((is_owed || is_in_transaction) && is_over(settings_->transaction_timeout, client.held_since, now_)) {
        sql_state = wire::sql_state::transaction_timeout;
        message = "terminating connection due to transaction timeout";
        hint = "timeouts.transactionSeconds is the limit.";
    } else {
        return;
    }
    metrics_.clients_timed_out.add();
    fail_client(client, {wire::Severity::Fatal, sql_state, message, {}, hint});
}

void Core::drain() {
    if (is_draining_) return;
    is_draining_ = true;
    drain_until_ = now_ + settings_->drain_timeout;
    drain_clients();
}

void Core::drain_clients() {
    const bool is_late = now_ >= drain_until_;
    std::size_t handed_off = 0;
    for (std::uint32_t slot = 0; slot < clients_.slots(); ++slot) {
        Client* const client = clients_.at_if_used(slot);
        if (client == nullptr) continue;
        bool is_free = client->state == ClientState::Idle ||
                       client->state == ClientState::LoggingIn ||
                       client->state == ClientState::Welcoming || client->probed != nullptr;
        // A message that has begun to arrive begins a transaction.
        if (client->state == ClientState::Idle && client->stash != nullptr) is_free = false;
        if (client->state == ClientState::Linked) {
            const Server& server = servers_.at(client->server);
            is_free = server.hold.has(session::HoldReason::Session) && server.replies.is_empty() &&
                      server.status == wire::TransactionStatus::Idle;
        }
        if (!is_late && (!is_free || handed_off >= handed_off_per_tick)) continue;
        ++handed_off;
        fail_client(*client, {wire::Severity::Fatal, wire::sql_state::admin_shutdown, drain_text});
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
