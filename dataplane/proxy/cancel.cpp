// CancelRequest: to the server that works for the client that the key names, and never to a later
// client of it: a server is not handed on while a cancel for it is in flight. PostgreSQL closes a
// cancel's connection after it has sent the signal, so its end tells that no signal is still to
// come.
#include "dataplane/proxy/core.hpp"
#include "dataplane/wire/bytes.hpp"

namespace penstock::proxy {
namespace {

// A process id of ours: the worker in the upper bits, never zero; the client's slot in the lower
// ones. In mode Session it is the server's, which is less than 2^24 on every system that has one.
constexpr std::uint32_t slot_bits = 24;
constexpr std::uint32_t slot_mask = (1U << slot_bits) - 1;

std::uint64_t one_number(CancelKey key) {
    return std::uint64_t{key.process_id} << 32U | key.secret;
}

}  // namespace

std::uint32_t Core::own_process_id(const Client& client) const {
    return ((worker_ + 1) << slot_bits) | (client.link.slot & slot_mask);
}

std::uint64_t Core::cancel_key(const Client& client) {
    return one_number({client.process_id, client.secret});
}

void Core::cancel_request(Client& canceller, const session::CancelRequest& request) {
    metrics_.cancels.add();
    const LinkId link = canceller.link;
    if (request.key.size() != sizeof(std::uint32_t)) return finish_canceller(link, worker_);
    const CancelKey key{request.process_id, wire::load_u32(request.key.data())};
    const std::uint32_t named = request.process_id >> slot_bits;
    if (named == 0 || named - 1 == worker_) return cancel_or_pass_on(key, link, worker_);
    if (named > board_.workers()) return finish_canceller(link, worker_);
    actions_.push_back({ActionKind::RouteCancel, link, {}, named - 1, key, worker_});
}

void Core::cancel_routed(CancelKey key, LinkId canceller, std::uint32_t from_worker) {
    cancel_or_pass_on(key, canceller, from_worker);
}

// A server's process id does not name its worker: the request goes round until one knows it.
void Core::cancel_or_pass_on(CancelKey key, LinkId canceller, std::uint32_t origin) {
    const Cancelling result = cancel_here(key, canceller, origin);
    if (result == Cancelling::UnderWay) return;
    const std::uint32_t next = (worker_ + 1) % board_.workers();
    const bool may_be_elsewhere =
        result == Cancelling::Unknown && key.process_id >> slot_bits == 0 && next != origin;
    if (!may_be_elsewhere) return finish_canceller(canceller, origin);
    actions_.push_back({ActionKind::RouteCancel, canceller, {}, next, key, origin});
}

// The cancel that this canceller asked for is over.
void Core::cancel_finished(LinkId canceller) { finish_canceller(canceller, worker_); }

// The secret is compared as one word: the time it takes says nothing.
Client* Core::client_named(CancelKey key) {
    if (key.process_id >> slot_bits == 0) {
        const auto found = sessions_.find(one_number(key));
        return found == sessions_.end() ? nullptr : &clients_.at(found->second);
    }
    const std::uint32_t slot = key.process_id & slot_mask;
    Client* const client = slot < clients_.slots() ? clients_.at_if_used(slot) : nullptr;
    const bool is_named = client != nullptr && client->process_id == key.process_id &&
                          client->secret != 0 && client->secret == key.secret;
    return is_named ? client : nullptr;
}

// UnderWay: a CancelRequest to the database is on its way, which will finish the canceller.
Core::Cancelling Core::cancel_here(CancelKey key, LinkId canceller, std::uint32_t origin) {
    Client* const client = client_named(key);
    if (client == nullptr) return Cancelling::Unknown;
    if (client->state == ClientState::Waiting) {
        cancel_waiting(*client);
        return Cancelling::Over;
    }
    if (client->state != ClientState::Linked) return Cancelling::Over;
    Server& server = servers_.at(client->server);
    if (server.replies.is_empty()) return Cancelling::Over;
    if (is_running_own_request(server)) {
        // What runs now is ours. The client's own messages are behind it, if there are any.
        if (!server.replies.is_all_swallowed()) server.cancel_when_own_ends = true;
        return Cancelling::Over;
    }
    return start_cancel(server, canceller, origin) ? Cancelling::UnderWay : Cancelling::Over;
}

// Another Parse or Close of ours is part of the client's batch.
bool Core::is_running_own_request(const Server& server) const {
    if (server.replies.is_empty()) return false;
    const session::Expected& head = server.replies.head();
    return head.is_swallowed && (head.kind == session::Expect::Query || head.is_replay);
}

bool Core::start_cancel(Server& server, LinkId canceller, std::uint32_t worker) {
    // As many as servers at twice the limit, as PgBouncer has it: a storm of cancels must not
    // become one of connections.
    const auto cancels_max = static_cast<std::size_t>(2 * std::max(1, board_.limit()));
    if (server.cancel_key.empty() || cancels_.size() >= cancels_max) return false;
    const auto name = cancels_.add();
    Cancel& cancel = cancels_.at(name.slot);
    cancel.link = {name.generation, name.slot, LinkKind::Cancel};
    cancel.server = server.link;
    cancel.needs_tls = server.is_encrypted;
    cancel.canceller = canceller;
    cancel.canceller_worker = worker;
    cancel.process_id = server.process_id;
    cancel.key = server.cancel_key;
    cancel.started_at = now_;
    ++server.cancels;
    act(ActionKind::Open, cancel.link);
    actions_.back().peer = server.link;
    return true;
}

// The key that would end this server's queries is protected as its connection is.
void Core::cancel_connected(Cancel& cancel) {
    if (!cancel.needs_tls) return send_cancel(cancel);
    std::string out;
    wire::write_ssl_request(out);
    send_copy(cancel.link, out);
}

void Core::cancel_answered(Cancel& cancel, std::string_view answer) {
    if (cancel.is_sent) return;  // PostgreSQL closes without a word
    if (cancel.needs_tls && answer == "S") return act(ActionKind::StartTls, cancel.link);
    act(ActionKind::Abort, cancel.link);
    cancel_over(cancel);
}

void Core::send_cancel(Cancel& cancel) {
    cancel.is_sent = true;
    std::string out;
    wire::write_cancel_request(out, cancel.process_id, cancel.key);
    send_copy(cancel.link, out);
}

void Core::cancel_over(Cancel& cancel) {
    if (Server* server = server_at(cancel.server)) {
        --server->cancels;
        if (server->cancels == 0 && server->state == ServerState::Parked) give_back(*server);
    }
    if (cancel.canceller.is_set()) finish_canceller(cancel.canceller, cancel.canceller_worker);
    cancels_.remove(cancel.link.slot);
}

void Core::finish_canceller(LinkId canceller, std::uint32_t worker) {
    if (worker != worker_) {
        actions_.push_back({ActionKind::CancelFinished, canceller, {}, worker, {}});
        return;
    }
    Client* const client = client_at(canceller);
    if (client == nullptr) return;
    act(ActionKind::Close, canceller);
    leave(*client, Leaving::Orderly);
}

void Core::cancel_waiting(Client& client) {
    refuse_waiting(
        client,
        {wire::Severity::Error,
         wire::sql_state::query_canceled,
         "canceling statement due to user request"}
    );
}

}  // namespace penstock::proxy
