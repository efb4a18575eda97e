// What servers report: who asked for it, and who is told. A client owns what it asked for; a server
// that differs in that is set to it in front of the client's messages, in the same packet. In all
// else the client follows its server and is told what differs.
#include "dataplane/proxy/core.hpp"
#include "dataplane/wire/writer.hpp"

#include <utility>

namespace penstock::proxy {
namespace {

constexpr std::size_t name_index = session::application_name_index;

}  // namespace

void Core::fit_parameters(Client& client, Server& server) {
    std::string sql;
    if (client.probed != nullptr) {
        sql = probing_sql(client);
        for (const auto& [index, text] : *client.probed) server.parameters.set.set(index);
    } else {
        session::ParameterMask set_behind;
        server.resetting = server.parameters.set.without(client.parameters.asked);
        sql = session::fitting_sql(values_, server.parameters, client.parameters, set_behind);
        server.parameters.set = set_behind;
    }
    if (sql.empty()) return tell_differences(client, server);
    inject_query(server, sql, Injected::Replay);
    metrics_.parameters_replayed.add();
}

// The replay succeeded. Where PostgreSQL took a value for the one it had, it reported nothing: what
// the server has is what the client asked for, as PostgreSQL writes it.
void Core::take_over_parameters(Server& server) {
    server.resetting.clear();
    Client* const client = owner_of(server);
    if (client == nullptr) return;
    if (client->probed == nullptr) return tell_differences(*client, server);
    for (const auto& [index, text] : *client->probed) {
        const session::ValueId value = server.parameters.values.get(index);
        if (value == session::no_value) continue;
        const std::string canonical(values_.text(value));
        client->parameters.told.set(values_, index, canonical);
        client->started.set(values_, index, canonical);
    }
}

// The client ends with PostgreSQL's words and the names of what could not be set. Its server, if it
// is still linked to one, is the caller's to clean.
void Core::replay_failed(Client& client, Server& server, const wire::ErrorFields& error) {
    std::string names;
    const auto name = [&names](std::size_t index) {
        names.append(names.empty() ? "\"" : ", \"");
        names.append(session::tracked_parameters[index]).append("\"");
    };
    if (client.probed != nullptr) {
        for (const auto& [index, text] : *client.probed) name(index);
    } else {
        for (std::size_t i = 0; i < session::replayed_parameters; ++i) {
            const bool differs = client.parameters.told.get(i) != server.parameters.values.get(i);
            if (client.parameters.asked.has(i) && differs) name(i);
        }
    }
    const std::string detail = "Of " + names + " not all could be set on a server connection.";
    const bool is_probe = client.probed != nullptr;
    unlink(client, server);
    fail_client(
        client,
        {wire::Severity::Fatal,
         error.sql_state,
         error.message,
         is_probe || names.empty() ? std::string_view{} : std::string_view(detail),
         {}}
    );
}

void Core::tell_differences(Client& client, const Server& server) {
    if (client.probed != nullptr) return;
    std::string out;
    for (std::size_t i = 0; i < session::tracked_parameters.size(); ++i) {
        const session::ValueId value = server.parameters.values.get(i);
        if (i == name_index || value == session::no_value || value == client.parameters.told.get(i))
            continue;
        const std::string text(values_.text(value));
        client.parameters.told.set(values_, i, text);
        wire::write_parameter_status(out, session::tracked_parameters[i], text);
    }
    send_copy(client.link, out);
}

void Core::parameter_status(Server& server, const wire::Frame& frame) {
    server.body = Body::Drop;
    wire::ByteReader reader(frame.body);
    const std::string_view name = reader.c_string();
    const std::string_view value = reader.c_string();
    if (!reader.ok()) return;
    Client* const client = owner_of(server);
    const bool is_ours = !server.replies.is_empty() && server.replies.head().is_swallowed;
    const auto index = session::tracked_index(name);
    if (!index || pool_of(server).is_replication) {
        if (!is_ours) to_client(server, frame.all);
        return;
    }
    const bool is_clients = client != nullptr && !is_ours;
    const bool is_of_gone = client == nullptr && !is_ours && !server.replies.is_empty();
    if (is_of_gone) server.parameters.set.set(*index);
    if (*index == name_index) server.is_untagged = !value.starts_with(settings_->application_tag);
    if (is_clients && !server.changed.has(*index)) {
        server.changed.set(*index);
        const session::ValueId before = server.parameters.values.get(*index);
        server.before.set(values_, *index, std::string(values_.text(before)));
    }
    server.parameters.values.set(values_, *index, value);
    if (!is_clients && !server.parameters.set.has(*index))
        server.defaults.set(values_, *index, value);
    if (!is_clients) return;
    std::string out;
    if (*index == name_index) {
        // Set by the client it has no tag; rolled back or reset it has.
        std::string own(value);
        if (server.has_reset && !server.has_set) {
            own = values_.text(client->started.get(name_index));
        } else if (!server.is_untagged) {
            own = values_.text(client->kept_name);
        }
        if (own == values_.text(client->name)) return;
        set_name(*client, own);
        wire::write_parameter_status(out, name, own);
        return send_copy(client->link, out);
    }
    // RESET goes back to the client's start-up value, which the server gets when it may be sent.
    const session::ValueId started = client->started.get(*index);
    const bool is_back = server.has_reset && !server.has_set && started != session::no_value;
    const std::string told(is_back ? values_.text(started) : value);
    const session::ValueId known = client->parameters.told.get(*index);
    if (known != session::no_value && values_.text(known) == told) return;
    client->parameters.told.set(values_, *index, told);
    wire::write_parameter_status(out, name, told);
    send_copy(client->link, out);
}

// The client's transaction is over: what it changed for longer it has asked for.
void Core::learn_asked(Client& client, Server& server) {
    const bool is_reset = server.has_reset && !server.has_set;
    for (std::size_t i = 0; i < session::tracked_parameters.size(); ++i) {
        if (!server.changed.has(i)) continue;
        const session::ValueId value = server.parameters.values.get(i);
        if (i == name_index) {
            server.parameters.set.set(i);
            continue;
        }
        if (i >= session::replayed_parameters || value == server.before.get(i)) continue;
        const bool is_started = client.started.get(i) != session::no_value;
        client.parameters.asked.set(i, !is_reset || is_started);
        server.parameters.set.set(i, !is_reset);
        // A function may have set it; a reload may have, too. RESET shows which.
        if (!server.has_set && !server.has_reset) {
            server.unsure.set(i);
            server.unsure_of = client.link;
        }
    }
    values_.release(
        std::exchange(client.kept_name, values_.add(std::string(values_.text(client.name))))
    );
    server.changed.clear();
    server.before.clear(values_);
}

// Mode Session: RESET goes back to what the client asked for at start-up, which its server does not
// have as its default.
void Core::set_back(Client& client, Server& server) {
    if (!server.replies.is_empty() || server.hold.has(session::HoldReason::Unsynced)) return;
    if (pool_of(server).is_replication || client.is_leaving) return;
    for (std::size_t i = 0; i < session::replayed_parameters; ++i) {
        const session::ValueId wanted = client.parameters.told.get(i);
        if (i == name_index || !client.parameters.asked.has(i) || wanted == session::no_value ||
            server.parameters.values.get(i) == session::no_value ||
            wanted == server.parameters.values.get(i))
            continue;
        std::string sql("SET ");
        sql.append(session::tracked_parameters[i]).append(" = ");
        session::append_literal(sql, values_.text(wanted));
        inject_extended(server, sql);
        server.parameters.set.set(i);
        server.is_settling = true;
    }
}

// After RESET ALL: a value that did not go away was the configuration's, so nobody asked for it.
void Core::judge_changes(Server& server) {
    if (server.unsure.is_empty()) return;
    if (Client* const client = client_at(server.unsure_of)) {
        for (std::size_t i = 0; i < session::replayed_parameters; ++i) {
            const bool is_followed = server.unsure.has(i) && client->parameters.told.get(i) ==
                                                                 server.parameters.values.get(i);
            if (is_followed) client->parameters.asked.set(i, false);
        }
    }
    server.unsure.clear();
}

// The database counts our connections by the tag, which a session's SET application_name takes off.
// In pool mode Transaction a server is tagged when it goes back.
void Core::tag_again(Client& client, Server& server) {
    if (pool_of(server).key.mode == PoolMode::Transaction || client.is_leaving) return;
    if (server.status != wire::TransactionStatus::Idle || pool_of(server).is_replication) return;
    if (!server.replies.is_empty() || server.hold.has(session::HoldReason::Unsynced)) return;
    server.is_untagged = false;  // it is tried once
    std::string sql = "SET application_name = ";
    session::append_literal(sql, values_.text(client.parameters.told.get(name_index)));
    inject_extended(server, sql);
}

// A cancel that came late has hit what ours set for the client.
void Core::repeat_own(Client& client, Server& server) {
    server.repeats_own = false;
    set_back(client, server);
    const session::ValueId name = server.parameters.values.get(name_index);
    server.is_untagged = !values_.text(name).starts_with(settings_->application_tag);
}

// As inject_query, but it leaves the client's unnamed statement and portals alone.
void Core::inject_extended(Server& server, std::string_view sql) {
    constexpr std::string_view name = "penstock";
    constexpr std::string_view nothing("\0\0\0\0\0\0", 6);
    std::string out;
    wire::MessageWriter(out, wire::Frontend::Parse).c_string(name).c_string(sql).u16(0);
    wire::MessageWriter(out, wire::Frontend::Bind).c_string(name).c_string(name).bytes(nothing);
    wire::MessageWriter(out, wire::Frontend::Execute).c_string(name).u32(0);
    wire::MessageWriter(out, wire::Frontend::Close).byte('P').c_string(name);
    wire::MessageWriter(out, wire::Frontend::Close).byte('S').c_string(name);
    send_copy(server.link, out);
    for (const session::Expect kind :
         {session::Expect::Parse,
          session::Expect::Bind,
          session::Expect::Execute,
          session::Expect::Close,
          session::Expect::Close}) {
        session::Expected entry;
        entry.kind = kind;
        entry.is_swallowed = true;
        entry.is_replay = true;
        expect(server, entry);
    }
    inject_sync(server, Injected::Replay);
}

void Core::set_name(Client& client, std::string_view name) {
    const session::ValueId old = std::exchange(client.name, values_.add(name));
    values_.release(old);
    client.parameters.told.set(
        values_, name_index, session::tagged_application_name(settings_->application_tag, name)
    );
    client.parameters.asked.set(name_index);
}

}  // namespace penstock::proxy
