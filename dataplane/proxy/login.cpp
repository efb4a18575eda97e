// A client from its first byte to its first ReadyForQuery.
#include "dataplane/proxy/core.hpp"
#include "dataplane/wire/writer.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

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
// scram_iterations is not known to every version.
bool is_asked(std::size_t index) {
    const std::string_view name = session::tracked_parameters[index];
    return index < session::replayed_parameters && name != "search_path" &&
           name != "scram_iterations";
}

std::string_view value_of(const wire::Parameters& parameters, std::string_view name) {
    const auto found = std::ranges::find(parameters, name, [](const auto& p) { return p.first; });
    return found == parameters.end() ? std::string_view{} : std::string_view(found->second);
}

}  // namespace

void Core::client_login_bytes(Client& client, std::string_view bytes) {
    if (client.is_cancelling) return;
    client.active_at = now_;
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
        if (is_replication || !index || !is_asked(*index)) {
            key.pinned.emplace_back(std::move(name), std::move(value));
        } else if (*index == session::application_name_index) {
            set_name(client, value);
        } else {
            client.parameters.told.set(values_, *index, value);
            client.parameters.asked.set(*index);
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
    // In front of AuthenticationOk, where libpq goes on to the next host that it knows.
    if (is_draining_) {
        return refused(
            wire::sql_state::cannot_connect_now, "the proxy is shutting down", "Connect again."
        );
    }
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
    client.look = pool.looks;
    client.active_at = now_;
    pool.welcoming.push_back(client.link.slot, links());
    client.is_queued = true;
    ++welcoming_;
    want(client.pool);
}

void Core::welcome(Client& client) {
    if (!pool_of(client).is_replication) name_client(client);
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
    for (const auto& [name, value] : pool.welcome) {
        if (pool.is_replication) {
            wire::write_parameter_status(out, name, value);
            continue;
        }
        const auto index = session::tracked_index(name);
        if (index && *index == session::application_name_index) {
            wire::write_parameter_status(out, name, values_.text(client.name));
            continue;
        }
        if (index && !client.parameters.asked.has(*index)) {
            const session::ValueId own =
                client.server == no_slot ? session::no_value
                                         : servers_.at(client.server).parameters.values.get(*index);
            client.parameters.told.set(
                values_, *index, own == session::no_value ? value : std::string(values_.text(own))
            );
        }
        wire::write_parameter_status(
            out, name, index ? values_.text(client.parameters.told.get(*index)) : value
        );
    }
}

// As PostgreSQL makes it of what the client asked for; the bytes are of the client's encoding.
void Core::name_client(Client& client) {
    const Pool& pool = pool_of(client);
    const std::string_view version = value_of(pool.welcome, "server_version");
    int major = 0;
    std::from_chars(version.data(), version.data() + version.size(), major);
    constexpr int hexadecimal_since = 16;
    set_name(
        client,
        session::clean_application_name(
            values_.text(client.name),
            value_of(pool.welcome, "server_encoding") == "UTF8",
            major >= hexadecimal_since
        )
    );
    const std::string name(values_.text(client.name));
    values_.release(std::exchange(client.kept_name, values_.add(name)));
    client.started.set(values_, session::application_name_index, name);
}

// Are the client's start-up values known to be good? Then they are written as PostgreSQL writes
// them.
bool Core::has_known_parameters(Client& client) {
    const Pool& pool = pool_of(client);
    for (std::size_t i = 0; i < session::replayed_parameters; ++i) {
        if (!client.parameters.asked.has(i) || i == session::application_name_index) continue;
        const session::ValueId value = client.parameters.told.get(i);
        const auto is_default = [&](const auto& entry) {
            return session::tracked_index(entry.first) == i && entry.second == values_.text(value);
        };
        if (!std::ranges::any_of(pool.welcome, is_default)) {
            const auto known = pool.known.find(known_key(i, values_.text(value)));
            if (known == pool.known.end()) return false;
            client.parameters.told.set(values_, i, known->second);
        }
        client.started.set(values_, i, std::string(values_.text(client.parameters.told.get(i))));
    }
    return true;
}

// Only PostgreSQL knows: a server is given the values, as it will be for every query of this
// client.
void Core::probe(Client& client) {
    client.probed = std::make_unique<std::vector<std::pair<std::size_t, std::string>>>();
    for (std::size_t i = 0; i < session::replayed_parameters; ++i) {
        if (!client.parameters.asked.has(i) || i == session::application_name_index) continue;
        client.probed->emplace_back(i, values_.text(client.parameters.told.get(i)));
    }
    client.active_at = now_;
    enqueue(client, pool_of(client));
}

std::string Core::probing_sql(const Client& client) {
    std::string sql;
    for (const auto& [index, text] : *client.probed) session::append_startup_sql(sql, index, text);
    if (pool_of(client).key.mode != PoolMode::Session || pool_of(client).is_replication) return sql;
    // It keeps this server.
    const session::ValueId name = client.parameters.told.get(session::application_name_index);
    if (values_.text(name) == settings_->application_tag) return sql;
    session::append_literal(sql.append("SET application_name = "), values_.text(name));
    return sql.append(";");
}

void Core::probe_ended(Client& client) {
    learn_probed(client);
    client.state = ClientState::Welcoming;
    welcome(client);
}

void Core::learn_probed(Client& client) {
    constexpr std::size_t known_values_max = 100;
    session::StringMap<std::string>& known = pool_of(client).known;
    if (known.size() > known_values_max) known.clear();
    for (const auto& [index, text] : *client.probed) {
        const std::string_view canonical = values_.text(client.parameters.told.get(index));
        known[known_key(index, text)] = canonical;
        known[known_key(index, canonical)] = canonical;
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
