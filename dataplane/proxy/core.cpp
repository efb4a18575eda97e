#include "dataplane/proxy/core.hpp"

#include "crds/api/check.hpp"

#include <algorithm>
#include <cstring>

namespace penstock::proxy {
namespace {

// Kept for the next wait or split message; more than this many, or larger ones, go back to the
// system.
constexpr std::size_t spare_stashes_max = 256;
constexpr std::size_t spare_stash_bytes_max = 16 * 1024;

// The server shows the names of its statements to whoever asks it; to all others they are secret.
std::string unguessable_prefix(std::string_view random) {
    constexpr std::string_view digits = "abcdefghijklmnopqrstuvwxyz234567";
    std::string prefix = "penstock_";
    for (const char byte : random)
        prefix += digits[static_cast<unsigned char>(byte) % digits.size()];
    return prefix + '_';
}

constexpr Duration ask_again_after = std::chrono::microseconds(200);

}  // namespace

Core::Core(
    std::uint32_t worker,
    RandomSource& random,
    pool::Board& board,
    std::shared_ptr<const Settings> settings,
    TimePoint now
)
    : worker_(worker), random_(random), board_(board), settings_(std::move(settings)), now_(now) {
    next_tick_ = now;
    std::array<char, 8> drawn;
    random_.fill(drawn.data(), drawn.size());
    name_prefix_ = unguessable_prefix({drawn.data(), drawn.size()});
}

Core::~Core() = default;

void Core::begin(TimePoint now) {
    now_ = now;
    actions_.clear();
    arena_.reset();
    for (auto& stash : retired_) {
        if (spare_.size() >= spare_stashes_max || stash->capacity() > spare_stash_bytes_max)
            continue;
        stash->clear();
        spare_.push_back(std::move(stash));
    }
    retired_.clear();
}

void Core::settle() {
    // Only now: what came behind the last ReadyForQuery has been read.
    for (; freed_seen_ < freed_.size(); ++freed_seen_) {
        Server* const server = server_at(freed_[freed_seen_]);
        if (server == nullptr || pool_of(*server).waiting.is_empty()) continue;
        if (can_move(*server)) offer_to_others(*server);
    }
    serve_wanted();
    if (!has_turns_) turn_ended();
    publish_held_bytes();
    if (!gone_.empty()) drop_actions_for_gone();
    if (!unused_pools_.empty()) free_unused_pools();
}

// Servers that are still free are so for other workers too. That is told first, and then looked who
// waits: see Share.
void Core::turn_ended() {
    for (std::size_t i = 0; i < freed_.size(); ++i) {
        Server* const server = server_at(freed_[i]);
        if (server == nullptr || !can_move(*server)) continue;
        tell_idle(pool_of(*server));
        offer_to_others(*server);
    }
    freed_.clear();
    freed_seen_ = 0;
}

void Core::serve_wanted() {
    if (wanting_.empty()) return;
    if (wanting_.size() > 1) {
        const auto oldest = [this](std::uint32_t pool) { return oldest_wait(*pools_[pool]); };
        std::ranges::sort(wanting_, {}, oldest);
    }
    // Serving may make further pools want: they are at the end and have their turn in the same
    // pass.
    for (std::size_t i = 0; i < wanting_.size(); ++i) {
        const std::uint32_t index = wanting_[i];
        Pool& pool = *pools_[index];
        if (is_greeting_due(pool)) greet(pool);
        serve(pool);
        greet(pool);
        open_wanted(index);
        // What was asked for may have gone to somebody else. For a login a server moves only if
        // none can be here.
        const bool is_login_unserved = !pool.welcoming.is_empty() && pool.opening == 0 &&
                                       pool.checking == 0 &&
                                       (pool.servers == 0 || pool.key.mode == PoolMode::Session);
        const bool is_unserved = is_short(pool) || is_login_unserved;
        const bool is_behind = board_.workers() > 1 && pool.idle.empty() && is_unserved &&
                               now_ - pool.asked_at > ask_again_after;
        if (is_behind) ask_others(pool);
        greet_late(pool);
    }
    std::erase_if(wanting_, [this](std::uint32_t index) {
        Pool& pool = *pools_[index];
        if (!pool.waiting.is_empty() || !pool.welcoming.is_empty() || pool.is_missed) return false;
        end_wanting(pool);
        return true;
    });
    publish_oldest_wait();
    if (!wanting_.empty() || board_.workers() == 1) return;
    if ((board_.permit_wanted.load(std::memory_order_relaxed) & own_bit()) != 0)
        board_.permit_wanted.fetch_and(~own_bit());
}

LinkId Core::accepted() {
    const auto name = clients_.add();
    Client& client = clients_.at(name.slot);
    client.link = {name.generation, name.slot, LinkKind::Client};
    client.accepted_at = client.active_at = now_;
    session::ClientLoginRandom random;
    random_.fill(random.nonce.data(), random.nonce.size());
    random_.fill(random.md5_salt.data(), random.md5_salt.size());
    client.login.reset(new ClientLoginState{
        settings_, session::ClientLogin(settings_->login, settings_->users, random)});
    const LinkId link = client.link;
    login_begins(client);
    return link;
}

void Core::received(LinkId link, std::string_view bytes) {
    if (link.kind == LinkKind::Client) {
        Client* client = client_at(link);
        if (client == nullptr) return;
        if (client->login != nullptr) return client_login_bytes(*client, bytes);
        metrics_.bytes_from_clients.add(bytes.size());
        return client_bytes(*client, bytes);
    }
    if (link.kind == LinkKind::Server) {
        Server* server = server_at(link);
        if (server == nullptr || server->state == ServerState::Closing) return;
        if (server->login != nullptr) return server_login_bytes(*server, bytes);
        metrics_.bytes_from_servers.add(bytes.size());
        server_bytes(*server, bytes);
    }
    if (link.kind == LinkKind::Cancel) {
        if (Cancel* cancel = cancel_at(link)) cancel_answered(*cancel, bytes);
    }
}

void Core::connected(LinkId link) {
    if (link.kind == LinkKind::Cancel) {
        if (Cancel* cancel = cancel_at(link)) cancel_connected(*cancel);
        return;
    }
    std::string out;
    Server* server = server_at(link);
    if (server == nullptr || server->state != ServerState::Connecting) return;
    enter(*server, ServerState::LoggingIn);
    server->login->start(out);
    send_copy(link, out);
}

void Core::tls_established(LinkId link, bool has_protocol) {
    if (link.kind == LinkKind::Client) {
        Client* client = client_at(link);
        if (client != nullptr && client->login != nullptr) client_encrypted(*client, has_protocol);
        return;
    }
    if (link.kind == LinkKind::Cancel) {
        if (Cancel* cancel = cancel_at(link)) send_cancel(*cancel);
        return;
    }
    Server* server = server_at(link);
    if (server == nullptr || server->login == nullptr) return;
    server->is_encrypted = true;
    std::string out;
    server->login->tls_established(out);
    if (!out.empty()) send_copy(link, out);
}

// The client may still read; one that is gone shows when something is written to it.
void Core::ended(LinkId link) {
    Client* const client = client_at(link);
    if (client != nullptr && !client->has_ended) end_stream(*client);
}

// Requires: an entry's last step.
void Core::drop_actions_for_gone() {
    std::erase_if(actions_, [this](const Action& action) {
        return action.link.kind == LinkKind::Client && is_gone(action.link);
    });
    std::erase_if(gone_, [this](LinkId link) { return client_at(link) == nullptr; });
}

bool Core::waits(const Client& client) {
    return client.state == ClientState::Waiting || client.state == ClientState::Welcoming ||
           client.is_stalled;
}

void Core::closed(LinkId link, std::string_view reason) {
    if (link.kind == LinkKind::Client) {
        Client* const client = client_at(link);
        if (client == nullptr) return;
        // What it sent before its end is still done, where it waits too; nobody reads the replies.
        if (client->has_ended && client->stash != nullptr && waits(*client)) {
            gone_.push_back(link);
            return;
        }
        leave(*client, client->has_ended ? Leaving::Orderly : Leaving::Gone);
        return;
    }
    if (link.kind == LinkKind::Cancel) {
        if (Cancel* cancel = cancel_at(link)) cancel_over(*cancel);
        return;
    }
    Server* server = server_at(link);
    if (server == nullptr) return;
    if (server->login != nullptr) {
        const bool was_connected = server->state == ServerState::LoggingIn;
        std::string text =
            was_connected ? "the database at " : "cannot connect to the database at ";
        text += settings_->database_address;
        text += was_connected ? " closed the connection during login: " : ": ";
        text += reason;
        server_login_failed(
            *server,
            {false, "FATAL", std::string(wire::sql_state::connection_failure), std::move(text)}
        );
    } else if (server->client != no_slot) {
        enter(*server, ServerState::Closing);  // nothing more can be sent to it
        Client& client = clients_.at(server->client);
        if (server->is_ending) {
            part(client);
            return server_gone(*server);
        }
        fail_client(
            client,
            {wire::Severity::Fatal,
             wire::sql_state::connection_failure,
             "the database closed the server connection unexpectedly",
             reason,
             "What was under way may or may not have been done."}
        );
    }
    server_gone(*server);
}

void Core::configure(std::shared_ptr<const Settings> settings) {
    const bool is_elsewhere = settings->endpoint != settings_->endpoint;
    settings_ = std::move(settings);
    if (is_elsewhere) replace_servers();
    close_beyond_limits();
}

void Core::limits_changed() { close_excess(); }

void Core::forget(Client& client) {
    if (client.login != nullptr) login_ends(client);
    drop_stash(client.stash);
    if (client.pool != no_slot) {
        Pool& pool = pool_of(client);
        if (client.state == ClientState::Welcoming && client.is_queued) {
            pool.welcoming.remove(client.link.slot, links());
            --welcoming_;
        }
        --pool.clients;
        note_unused(client.pool);
        metrics_.clients.subtract();
        board_.worker(worker_).clients.store(
            static_cast<std::int32_t>(metrics_.clients.get()), std::memory_order_relaxed
        );
    }
    if (client.statements != nullptr) client.statements->clear(statements_);
    if (client.secret != 0) sessions_.erase(cancel_key(client));
    if (client.unnamed != nullptr) {
        settle_unnamed(*client.unnamed, client.unnamed->last_version + 1);
        release_values(client.unnamed->now.origin);
        count_unnamed(*client.unnamed, counted_bytes(client.unnamed->now), 0);
    }
    client.parameters.told.clear(values_);
    client.started.clear(values_);
    values_.release(client.name);
    values_.release(client.kept_name);
    clients_.remove(client.link.slot);
}

Census Core::census() const {
    Census census;
    census.clients = clients_.size();
    census.waiting = static_cast<std::size_t>(waiting_ + welcoming_);
    census.servers = servers_.size();
    census.servers_busy = metrics_.servers_busy.get();
    census.cancels = cancels_.size();
    census.statements = statements_.size();
    census.values = values_.size();
    census.stash_bytes = stash_bytes_;
    census.pools = pools_by_key_.size();
    return census;
}

void Core::send(LinkId link, std::string_view bytes) {
    if (bytes.empty()) return;
    if (actions_.empty()) return add_send(link, bytes);
    Action& last = actions_.back();
    const bool continues = last.kind == ActionKind::Send && last.link == link &&
                           last.bytes.data() + last.bytes.size() == bytes.data();
    if (!continues) return add_send(link, bytes);
    last.bytes = {last.bytes.data(), last.bytes.size() + bytes.size()};
}

void Core::add_send(LinkId link, std::string_view bytes) {
    static constexpr Action blank;  // to copy is cheaper than to fill
    Action& action = actions_.emplace_back(blank);
    action.link = link;
    action.bytes = bytes;
}

std::unique_ptr<std::string> Core::spare_stash() {
    if (spare_.empty()) return std::make_unique<std::string>();
    auto stash = std::move(spare_.back());
    spare_.pop_back();
    return stash;
}

void Core::keep_stash(std::unique_ptr<std::string>& stash, std::string_view rest) {
    stash = spare_stash();
    stash->assign(rest);
    stash_bytes_ += static_cast<std::int64_t>(rest.size());
}

void Core::drop_stash(std::unique_ptr<std::string>& stash) {
    if (stash != nullptr) stash_bytes_ -= static_cast<std::int64_t>(stash->size());
    stash.reset();
}

std::string_view Core::open_stash(
    std::unique_ptr<std::string>& stash, std::string_view bytes, std::size_t needed
) {
    if (stash == nullptr) return bytes;
    stash->append(bytes);
    stash_bytes_ += static_cast<std::int64_t>(bytes.size());
    if (stash->size() < needed) return {};
    stash_bytes_ -= static_cast<std::int64_t>(stash->size());
    retired_.push_back(std::move(stash));
    return *retired_.back();
}

std::uint32_t Core::random_u32() {
    std::uint32_t value = 0;
    random_.fill(reinterpret_cast<char*>(&value), sizeof value);
    return value;
}

}  // namespace penstock::proxy
