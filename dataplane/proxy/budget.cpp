// What clients may make the proxy keep: their number before they have logged in, their memory, and
// what is known of pools that nobody uses.
#include "dataplane/proxy/core.hpp"

#include <algorithm>

namespace penstock::proxy {
namespace {

// So many may log in even where all places are taken: to be told so, and to cancel.
constexpr std::int32_t logins_min = 64;

// What is known of a pool that nobody uses is kept so long, so that clients who come again are
// welcomed at once and failed logins are not repeated for each; and of so many pools at most.
constexpr Duration unused_kept = std::chrono::seconds(60);
constexpr std::size_t unused_pools_max = 256;

// Below this a message that is not whole yet is not worth a look at the budget of the process.
constexpr std::size_t large_bytes = 64 * 1024;

}  // namespace

void Core::login_begins(Client& client) {
    logging_in_.push_back(client.link.slot, links());
    metrics_.clients_logging_in.add();
    const auto here = static_cast<std::int32_t>(metrics_.clients_logging_in.get());
    board_.worker(worker_).logging_in.store(here, std::memory_order_relaxed);
    const std::int32_t places = settings_->clients_max - board_.sum(&pool::Board::Worker::clients);
    if (board_.sum(&pool::Board::Worker::logging_in) <= std::max(logins_min, places)) return;
    // Who is silent keeps nobody out: the login that began first gives way.
    Client& oldest = clients_.at(logging_in_.front());
    metrics_.client_logins_dropped.add();
    act(ActionKind::Close, oldest.link);
    leave(oldest, Leaving::Gone);
}

// Requires: client.login is there. It is gone then.
void Core::login_ends(Client& client) {
    client.login.reset();
    logging_in_.remove(client.link.slot, links());
    metrics_.clients_logging_in.subtract();
    const auto here = static_cast<std::int32_t>(metrics_.clients_logging_in.get());
    board_.worker(worker_).logging_in.store(here, std::memory_order_relaxed);
}

void Core::publish_held_bytes() {
    const std::int64_t held = held_bytes();
    if (held == published_bytes_) return;
    published_bytes_ = held;
    metrics_.held_bytes.set(static_cast<std::uint64_t>(held));
    board_.worker(worker_).held_bytes.store(held, std::memory_order_relaxed);
}

std::int64_t Core::held_bytes() const {
    return stash_bytes_ + unnamed_bytes_ + pending_bytes_ +
           static_cast<std::int64_t>(statements_.bytes());
}

// Do all clients of the process together hold more than they may, with `more` bytes?
bool Core::is_memory_short(std::size_t more) const {
    // What this worker has published is of the event before.
    const std::int64_t others = board_.sum(&pool::Board::Worker::held_bytes) -
                                board_.worker(worker_).held_bytes.load(std::memory_order_relaxed);
    const std::int64_t held = others + held_bytes();
    return held + static_cast<std::int64_t>(more) > settings_->bytes_max;
}

// What is kept of the client's statements.
std::size_t Core::kept_bytes(const Client& client) {
    return (client.statements == nullptr ? 0 : client.statements->bytes()) +
           (client.unnamed == nullptr ? 0 : client.unnamed->bytes);
}

// What is kept no longer once the message is dealt with.
std::size_t Core::replaced_by(const Client& client, const wire::Frame& frame) {
    const bool is_unnamed = static_cast<wire::Frontend>(frame.type) == wire::Frontend::Parse &&
                            frame.body.starts_with('\0');
    if (!is_unnamed || client.unnamed == nullptr) return 0;
    const bool may_come_back = client.server != no_slot &&
                               servers_.at(client.server).hold.has(session::HoldReason::Unsynced);
    return may_come_back ? 0 : client.unnamed->bytes;
}

// May the client make the proxy keep so much more?
session::Refusal Core::lacks_room(const Client& client, std::size_t bytes) {
    if (bytes == 0) return session::Refusal::None;  // it takes the place of more
    if (kept_bytes(client) + bytes > settings_->client_bytes_max)
        return session::Refusal::ClientBytes;
    const auto here = static_cast<std::size_t>(held_bytes());
    if (std::max(here, bytes) < large_bytes || !is_memory_short(bytes))
        return session::Refusal::None;
    drop_unused_texts();
    return is_memory_short(bytes) ? session::Refusal::Memory : session::Refusal::None;
}

// A message that must be kept until so many bytes of it are there. False: it was refused, and is
// dropped.
bool Core::has_room_for(Client& client, const wire::Frame& frame, std::size_t needed) {
    const std::size_t more = needed - std::min(needed, replaced_by(client, frame));
    if (needed < large_bytes && kept_bytes(client) + more <= settings_->client_bytes_max)
        return true;
    const session::Refusal refusal = lacks_room(client, more);
    if (refusal == session::Refusal::None) return true;
    refuse_message(client, frame, refusal);
    return false;
}

void Core::refuse_message(Client& client, const wire::Frame& frame, session::Refusal refusal) {
    client.body = Body::Drop;
    metrics_.messages_refused.add();
    if (client.state != ClientState::Linked) {
        if (!client.skips_to_sync) refuse(client, frame, refusal_text(refusal));
        return;
    }
    Server& server = servers_.at(client.server);
    if (server.replies.skips_to_sync()) return;
    const bool is_query = static_cast<wire::Frontend>(frame.type) == wire::Frontend::Query;
    refuse_on(
        server,
        is_query ? session::Expect::Query : session::Expect::Parse,
        client.link.slot,
        refusal
    );
}

// A message arrives bit by bit: whoever still grows when memory is short is refused.
void Core::stop_growing_if_short(Client& client) {
    if (client.stash == nullptr || client.stash->size() < large_bytes || !is_memory_short(0))
        return;
    drop_unused_texts();
    if (!is_memory_short(0)) return;
    client.stash_needed = 0;
    wire::FrameCursor cursor(open_stash(client.stash, {}, 0), settings_->message_bytes_max);
    wire::Frame frame;
    cursor.next(frame);
    client.body_missing = frame.missing;
    refuse_message(client, frame, session::Refusal::Memory);
}

void Core::count_unnamed(UnnamedStatements& unnamed, std::size_t before, std::size_t after) {
    if (before == after) return;
    unnamed.bytes += after - before;
    unnamed_bytes_ += static_cast<std::int64_t>(after) - static_cast<std::int64_t>(before);
}

// It is no longer needed, or never was.
void Core::drop_definition(UnnamedStatements& unnamed) {
    unnamed.now.is_set = false;
    count_unnamed(unnamed, counted_bytes(unnamed.now), 0);
    unnamed.now.definition.clear();
    if (unnamed.now.definition.capacity() > uncounted_text_bytes)
        unnamed.now.definition.shrink_to_fit();
}

// Memory is short: long unnamed statements of clients that do nothing are forgotten. Who binds one
// again without a new Parse hears that it does not exist.
void Core::drop_unused_texts() {
    constexpr Duration again_after = std::chrono::milliseconds(250);
    if (unnamed_bytes_ == 0 || now_ < drop_texts_not_before_) return;
    drop_texts_not_before_ = now_ + again_after;
    for (std::uint32_t slot = 0; slot < clients_.slots(); ++slot) {
        Client* const client = clients_.at_if_used(slot);
        if (client == nullptr || client->state != ClientState::Idle) continue;
        if (client->unnamed != nullptr && counted_bytes(client->unnamed->now) > 0)
            drop_definition(*client->unnamed);
    }
}

void Core::pending(std::size_t bytes) {
    pending_bytes_ = static_cast<std::int64_t>(bytes);
    publish_held_bytes();
}

void Core::note_unused(std::uint32_t index) {
    Pool& pool = *pools_[index];
    if (pool.clients > 0 || pool.servers > 0 || pool.is_unused) return;
    pool.is_unused = true;
    unused_pools_.push_back({index, now_});
}

void Core::free_unused_pools() {
    while (!unused_pools_.empty()) {
        const auto [index, since] = unused_pools_.front();
        if (unused_pools_.size() <= unused_pools_max && now_ - since < unused_kept) return;
        unused_pools_.pop_front();
        Pool& pool = *pools_[index];
        pool.is_unused = false;
        if (pool.clients > 0 || pool.servers > 0) continue;
        if (pool.is_wanting) {
            note_unused(index);
            return;
        }
        std::int32_t permits = board_.shares.leave(*pool.share, worker_);
        for (; permits > 0; --permits) give_permit();
        pools_by_key_.erase(written_out(pool.key));
        pools_[index] = std::make_unique<Pool>();
        free_pools_.push_back(index);
    }
}

}  // namespace penstock::proxy
