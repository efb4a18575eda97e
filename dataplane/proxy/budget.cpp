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
    return stash_bytes_ + static_cast<std::int64_t>(statements_.bytes());
}

// Do all clients of the process together hold more than they may, with `more` bytes?
bool Core::is_memory_short(std::size_t more) const {
    // What this worker has published is of the event before.
    const std::int64_t others = board_.sum(&pool::Board::Worker::held_bytes) -
                                board_.worker(worker_).held_bytes.load(std::memory_order_relaxed);
    const std::int64_t held = others + held_bytes();
    return held + static_cast<std::int64_t>(more) > settings_->bytes_max;
}

// A message that must be kept until so many bytes of it are there. False: it was refused, and the
// client is gone or drops it.
Core::Room Core::make_room_for(Client& client, const wire::Frame& frame, std::size_t needed) {
    const std::size_t texts = client.statements == nullptr ? 0 : client.statements->bytes();
    const bool is_too_much = needed + texts > settings_->client_bytes_max;
    if (!is_too_much && (needed < large_bytes || !is_memory_short(needed))) return Room::Enough;
    const bool is_linked = client.state == ClientState::Linked;
    client.body = Body::Drop;
    if (!is_linked && client.skips_to_sync) return Room::Refused;
    metrics_.messages_refused.add();
    wire::ErrorText error;
    if (is_too_much) {
        error = {
            wire::Severity::Error,
            wire::sql_state::program_limit_exceeded,
            "the message needs more memory than a client may take: it was not executed",
            {},
            "limits.maxClientBytes is the limit."};
    } else {
        error = {
            wire::Severity::Error,
            wire::sql_state::out_of_memory,
            "the proxy has no memory left for the message: it was not executed",
            {},
            "limits.maxMemoryBytes is the limit, for all clients together."};
    }
    if (!is_linked) {
        refuse(client, frame, error);
        return Room::Refused;
    }
    error.severity = wire::Severity::Fatal;
    fail_client(client, error);
    return Room::Gone;
}

// A message arrives bit by bit: whoever still grows when memory is short, ends.
bool Core::may_grow(Client& client) {
    if (client.stash == nullptr || client.stash->size() < large_bytes || !is_memory_short(0))
        return true;
    metrics_.messages_refused.add();
    fail_client(
        client,
        {wire::Severity::Fatal,
         wire::sql_state::out_of_memory,
         "the proxy has no memory left for the message",
         {},
         "limits.maxMemoryBytes is the limit, for all clients together."}
    );
    return false;
}

// False: the text of one more statement is too much, and the client is gone.
bool Core::has_room_for_text(Client& client, std::size_t bytes) {
    const bool is_too_much = client.statements->bytes() + bytes > settings_->client_bytes_max;
    const auto here = static_cast<std::size_t>(held_bytes());
    if (!is_too_much && (here < large_bytes || !is_memory_short(bytes))) return true;
    metrics_.messages_refused.add();
    wire::ErrorText error{
        wire::Severity::Fatal,
        wire::sql_state::program_limit_exceeded,
        "the prepared statements need more memory than a client may take",
        {},
        "limits.maxClientBytes is the limit."};
    if (!is_too_much) {
        error.sql_state = wire::sql_state::out_of_memory;
        error.message = "the proxy has no memory left for the prepared statement";
        error.hint = "limits.maxMemoryBytes is the limit, for all clients together.";
    }
    fail_client(client, error);
    return false;
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
