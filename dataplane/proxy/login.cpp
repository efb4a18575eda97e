// A client from its first byte to its first ReadyForQuery.
#include "dataplane/proxy/core.hpp"
#include "dataplane/wire/writer.hpp"

#include <algorithm>

namespace penstock::proxy {
namespace {

using session::ClientLoginStep;

constexpr std::string_view replication = "replication";

std::string known_key(std::size_t index, std::string_view value) {
    std::string key(session::tracked_parameters[index]);
    key.push_back('=');
    return key.append(value);
}

// search_path comes back from PostgreSQL as a quoted list; what a client wrote is no such list, so
// it is pinned.
bool is_replayed(std::size_t index) { return session::tracked_parameters[index] != "search_path"; }

}  // namespace

void Core::client_login_bytes(Client& client, std::string_view bytes) {
    if (client.is_cancelling) return;
    if (client.login->is_deriving_keys) return append_stash(client, bytes);
    const std::string_view chunk = open_stash(client.stash, bytes, 0);
    std::string out;
    std::size_t consumed = 0;
    const ClientLoginStep step = client.login->machine.feed(chunk, out, consumed);
    if (consumed < chunk.size()) keep_stash(client.stash, chunk.substr(consumed));
    client_login_step(client, step, out);
}

void Core::client_login_step(Client& client, ClientLoginStep step, std::string& out) {
    switch (step) {
        case ClientLoginStep::NeedMore:
            return send_copy(client.link, out);
        case ClientLoginStep::StartTls:
            send_copy(client.link, out);
            // Direct TLS: what was seen of its first record is still to be read.
            drop_stash(client.stash);
            return act(ActionKind::StartTls, client.link);
        case ClientLoginStep::DeriveKeys:
            client.login->is_deriving_keys = true;
            return act(ActionKind::DeriveKeys, client.link);
        case ClientLoginStep::Cancel: {
            client.is_cancelling = true;
            const session::CancelRequest request = client.login->machine.cancel_request();
            return cancel_request(client, request);
        }
        case ClientLoginStep::Authenticated:
            return client_authenticated(client, out);
        case ClientLoginStep::Close:
            metrics_.client_login_failures.add();
            send_copy(client.link, out);
            act(ActionKind::Close, client.link);
            return leave(client, Leaving::Orderly);
    }
}

std::shared_ptr<const wire::DerivedVerifier> Core::keys_wanted(LinkId link) {
    const Client* const client = client_at(link);
    if (client == nullptr || client->login == nullptr) return nullptr;
    return client->login->machine.derived_verifier();
}

void Core::keys_derived(LinkId link) {
    Client* const client = client_at(link);
    if (client == nullptr || client->login == nullptr || !client->login->is_deriving_keys) return;
    client->login->is_deriving_keys = false;
    std::string out;
    const ClientLoginStep step = client->login->machine.keys_derived(out);
    client_login_step(*client, step, out);
    Client* const still = client_at(link);
    if (still != nullptr && still->has_ended && still->login != nullptr) end_stream(*still);
}

void Core::client_encrypted(Client& client, bool has_protocol) {
    session::ClientLogin& machine = client.login->machine;
    machine.tls_established();
    // As PostgreSQL 17: whoever was sent here by another protocol is not heard.
    if (!machine.is_direct_tls() || has_protocol) return;
    metrics_.client_login_failures.add();
    act(ActionKind::Close, client.link);
    leave(client, Leaving::Orderly);
}

void Core::client_authenticated(Client& client, std::string& out) {
    session::LoginRequest request = client.login->machine.take_request();
    login_ends(client);
    client.state = ClientState::Welcoming;

    PoolKey key{request.user, request.database, {}, settings_->pool_mode};
    key.tracks_statements =
        key.mode == PoolMode::Transaction && settings_->prepared_statements_max > 0;
    const bool is_replication = request.replication != session::Replication::None;
    for (auto& [name, value] : request.parameters) {
        const auto index = session::tracked_index(name);
        // A walsender takes no SET.
        if (is_replication || !index || !is_replayed(*index)) {
            key.pinned.emplace_back(std::move(name), std::move(value));
        } else if (*index == session::application_name_index) {
            client.parameters.set(
                values_, *index, session::tagged_application_name(settings_->application_tag, value)
            );
        } else {
            client.parameters.set(values_, *index, value);
        }
    }
    if (is_replication) {
        const bool physical = request.replication == session::Replication::Physical;
        key.pinned.emplace_back(replication, physical ? "true" : "database");
    }
    client.pool = pool_for(std::move(key));
    Pool& pool = pool_of(client);
    ++pool.clients;
    if (request.scram_keys) pool.scram_keys = std::move(request.scram_keys);
    metrics_.clients.add();
    board_.worker(worker_).clients.store(
        static_cast<std::int32_t>(metrics_.clients.get()), std::memory_order_relaxed
    );

    using wire::Severity;
    const auto refused =
        [&](std::string_view sql_state, std::string_view message, std::string_view hint) {
            metrics_.client_login_failures.add();
            fail_client(client, {Severity::Fatal, sql_state, message, {}, hint});
        };
    send_copy(client.link, out);
    if (is_replication && pool.key.mode != PoolMode::Session) {
        return refused(
            wire::sql_state::feature_not_supported,
            "replication connections need pool mode Session",
            "Connect to the database directly."
        );
    }
    if (board_.sum(&pool::Board::Worker::clients) > settings_->clients_max) {
        return refused(
            wire::sql_state::too_many_connections,
            "sorry, too many clients already",
            "limits.maxClientConnections is reached."
        );
    }
    if (is_draining_) {
        return refused(
            wire::sql_state::admin_shutdown, "the proxy is shutting down", "Connect again."
        );
    }
    if (!pool.welcome.empty() && !pool.is_welcome_stale) return welcome(client);
    pool.welcoming.push_back(client.link.slot, links());
    client.is_queued = true;
    ++welcoming_;
    want(client.pool);
}

void Core::welcome(Client& client) {
    // A session has one server from its login to its end, by whose process id it is known.
    if (pool_of(client).key.mode == PoolMode::Session || !has_known_parameters(client))
        return probe(client);
    client.process_id = own_process_id(client);
    client.state = ClientState::Idle;
    logged_in(client);
}

// The client has a server that fits it, and keeps it.
void Core::session_begins(Client& client, Server& server) {
    learn_probed(client);
    client.process_id = server.process_id != 0 ? server.process_id : own_process_id(client);
    logged_in(client);
}

// From here on the client may send what it likes: the caller touches it no more.
void Core::logged_in(Client& client) {
    std::string out;
    write_parameters(client, out);
    client.secret = random_u32();
    if (client.process_id != own_process_id(client))
        sessions_.emplace(cancel_key(client), client.link.slot);
    wire::MessageWriter(out, wire::Backend::BackendKeyData)
        .u32(client.process_id)
        .u32(client.secret);
    wire::write_ready_for_query(out, wire::TransactionStatus::Idle);
    send_copy(client.link, out);
    client.active_at = now_;
    metrics_.client_logins.add();
    metrics_.login.add(now_ - client.accepted_at);
    resume_reads(client);
    // What a client sent without waiting for its welcome.
    if (client.stash != nullptr || client.has_ended)
        run_on(client, open_stash(client.stash, {}, 0));
}

void Core::write_parameters(Client& client, std::string& out) {
    const Pool& pool = pool_of(client);
    const std::string& tag = settings_->application_tag;
    for (const auto& [name, value] : pool.welcome) {
        if (pool.is_replication) {
            wire::write_parameter_status(out, name, value);
            continue;
        }
        const auto index = session::tracked_index(name);
        if (index && *index == session::application_name_index) {
            if (client.parameters.get(*index) == session::no_value)
                client.parameters.set(values_, *index, tag);
            wire::write_parameter_status(
                out,
                name,
                session::own_application_name(tag, values_.text(client.parameters.get(*index)))
            );
            continue;
        }
        if (index && client.parameters.get(*index) == session::no_value) {
            client.parameters.set(values_, *index, value);
        }
        const bool is_own = index && client.parameters.get(*index) != session::no_value;
        wire::write_parameter_status(
            out, name, is_own ? values_.text(client.parameters.get(*index)) : value
        );
    }
}

// Are the client's start-up values known to be good? Then they are written as PostgreSQL writes
// them.
bool Core::has_known_parameters(Client& client) {
    const Pool& pool = pool_of(client);
    for (std::size_t i = 0; i < session::tracked_parameters.size(); ++i) {
        const session::ValueId value = client.parameters.get(i);
        if (value == session::no_value || i == session::application_name_index) continue;
        const auto is_default = [&](const auto& entry) {
            return session::tracked_index(entry.first) == i && entry.second == values_.text(value);
        };
        if (std::ranges::any_of(pool.welcome, is_default)) continue;
        const auto known = known_values_.find(known_key(i, values_.text(value)));
        if (known == known_values_.end()) return false;
        client.parameters.set(values_, i, known->second);
    }
    return true;
}

// Only PostgreSQL knows: a server is given the values, as it will be for every query of this
// client.
void Core::probe(Client& client) {
    client.probed = std::make_unique<std::vector<std::pair<std::size_t, std::string>>>();
    for (std::size_t i = 0; i < session::tracked_parameters.size(); ++i) {
        const session::ValueId value = client.parameters.get(i);
        if (value == session::no_value || i == session::application_name_index) continue;
        client.probed->emplace_back(i, values_.text(value));
    }
    client.active_at = now_;
    enqueue(client, pool_of(client));
}

void Core::probe_ended(Client& client) {
    learn_probed(client);
    client.state = ClientState::Welcoming;
    welcome(client);
}

void Core::learn_probed(Client& client) {
    constexpr std::size_t known_values_max = 1'000;
    if (known_values_.size() > known_values_max) known_values_.clear();
    for (const auto& [index, text] : *client.probed) {
        const std::string_view canonical = values_.text(client.parameters.get(index));
        known_values_[known_key(index, text)] = canonical;
        known_values_[known_key(index, canonical)] = canonical;
    }
    client.probed.reset();
}

void Core::welcome_all(Pool& pool) {
    while (!pool.welcoming.is_empty()) {
        Client& client = clients_.at(pool.welcoming.front());
        pool.welcoming.remove(client.link.slot, links());
        client.is_queued = false;
        --welcoming_;
        welcome(client);
    }
}

void Core::refuse_welcoming(Pool& pool) {
    const session::ServerLoginFailure failure = pool.failure;
    while (!pool.welcoming.is_empty()) {
        Client& client = clients_.at(pool.welcoming.front());
        metrics_.client_login_failures.add();
        const std::string detail =
            "Penstock could not log in to the database at " + settings_->database_address + ".";
        fail_client(
            client,
            {wire::Severity::Fatal,
             failure.sql_state,
             failure.message,
             failure.is_servers ? std::string_view(detail) : std::string_view{},
             {}}
        );
    }
}

std::string Core::written_out(const PoolKey& key) {
    std::string text = key.user;
    text.push_back('\0');
    text.append(key.database).push_back('\0');
    text.push_back(key.mode == PoolMode::Session ? 's' : 't');
    text.push_back(key.tracks_statements ? 'y' : 'n');
    for (const auto& [name, value] : key.pinned) {
        text.append(name).push_back('\0');
        text.append(value).push_back('\0');
    }
    return text;
}

std::uint32_t Core::pool_for(PoolKey key) {
    std::string name = written_out(key);
    const auto found = pools_by_key_.find(name);
    if (found != pools_by_key_.end()) return found->second;
    auto pool = std::make_unique<Pool>();
    pool->key = std::move(key);
    pool->share = &board_.shares.join(name);
    pool->is_replication = std::ranges::any_of(pool->key.pinned, [](const auto& parameter) {
        return parameter.first == replication;
    });
    auto index = static_cast<std::uint32_t>(pools_.size());
    if (free_pools_.empty()) {
        pools_.push_back(std::move(pool));
    } else {
        index = free_pools_.back();
        free_pools_.pop_back();
        pools_[index] = std::move(pool);
    }
    pools_by_key_.emplace(std::move(name), index);
    return index;
}

}  // namespace penstock::proxy
