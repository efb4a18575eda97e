// Parse, Bind, Describe and Close in pool mode Transaction: a client's statement names stand for
// statements that any server can be taught. Names are changed on the way, nothing else is.
//
// Where PostgreSQL would raise an error, the message goes to the server so that it raises the error
// itself, at its place, with its consequences for the transaction.
#include "crds/api/check.hpp"
#include "dataplane/proxy/core.hpp"
#include "dataplane/wire/writer.hpp"

#include <algorithm>
#include <cstring>

namespace penstock::proxy {
namespace {

using session::empty_statement;
using session::Expect;
using session::Expected;
using session::HoldReason;
using session::no_statement;
using session::ServerStatementName;
using session::StatementId;
using wire::Frontend;

constexpr std::string_view zero("\0", 1);

// So many open notes are looked through; behind more a client waits for the answers.
constexpr std::size_t open_notes_max = 64;

Expected injected(Expect kind) {
    Expected entry;
    entry.kind = kind;
    entry.is_swallowed = true;
    return entry;
}

Expected owned(Expect kind, const Client& client) {
    Expected entry;
    entry.kind = kind;
    entry.owner = client.link.slot;
    return entry;
}

}  // namespace

// What PostgreSQL will go by when it parses what is sent to the server next.
session::Origin Core::origin_now(const Client& client, const Server& server) const {
    session::Origin origin;
    for (const std::size_t i : session::fixed_at_parse) {
        // Behind the replay that is under way, if one is.
        const session::ValueId value = server.parameters.values.get(i);
        const session::ValueId asked = client.parameters.told.get(i);
        const bool is_asked = client.parameters.asked.has(i) && asked != session::no_value;
        origin.settings[i] = value == session::no_value ? asked
                             : is_asked                 ? asked
                             : server.resetting.has(i)  ? server.defaults.get(i)
                                                        : value;
    }
    origin.alteration = server.alteration;
    return origin;
}

Core::Next Core::parse(Client& client, Server& server, const wire::Frame& frame) {
    if (!frame.is_whole()) return Next::NeedMore;
    wire::ByteReader reader(frame.body);
    const std::string_view name = reader.c_string();
    if (!reader.ok() || name.empty()) return parse_unnamed(client, server, frame);
    const std::string_view definition = reader.rest();
    session::TextLook look = session::look_at_definition(definition);
    if (look.listens) {
        refuse_on(server, Expect::Parse, client.link.slot, session::Refusal::Listen);
        return Next::Continue;
    }
    if (client.statements == nullptr)
        client.statements = std::make_unique<session::ClientStatements>();
    session::Origin origin = origin_now(client, server);
    session::StatementCommand command;
    if (session::may_name_statements(definition)) command = command_in(definition, origin);
    if (command.kind != session::StatementCommand::Kind::None) {
        look.names_statement = true;
        origin.named = meant_by(client, command);
        if (depends_on_open(server, command.name, origin.named)) return stall(client);
    }
    const StatementId known = client.statements->find(name).id;
    if (depends_on_open(
            server, name, known == no_statement ? statements_.find(definition, origin) : known
        ))
        return stall(client);
    if (known == no_statement) {
        const session::Refusal refusal = lacks_room(client, definition.size());
        if (refusal != session::Refusal::None) {
            refuse_message(client, frame, refusal);
            return Next::Continue;
        }
    }
    // The name that surely exists does so only once its own Parse is answered.
    if (known != no_statement && depends_on_open(server, {}, empty_statement)) return stall(client);

    if (origin.named != no_statement) prepare_on(client, server, origin.named);
    Note note{Note::Kind::ClientParse, statements_.add(definition, origin)};
    note.name = name;
    server.hold.set(HoldReason::Unsynced);
    if (known != no_statement) {
        // Under a name that surely exists, it fails with 42P05 unless the text is at fault before
        // that, as at PostgreSQL.
        prepare_on(client, server, empty_statement);
        note.kind = Note::Kind::TakenParse;
        note.look = look;
        note.sent_as = empty_statement;
    } else {
        note.sent_as = note.statement;
        note.look = look;
        if (origin.named != no_statement)
            note.shifts.push_back(session::shift_of(
                definition, command, ServerStatementName(name_prefix_, origin.named).text()
            ));
        note.number = client.statements->add(name, note.statement, look, definition.size()).number;
        // It is parsed even where it is known: only PostgreSQL knows whether its tables are still
        // what they were.
        if (server.statements.has(note.statement)) {
            close_on(server, note.statement);
        } else {
            make_room(server);
        }
        server.statements.add(note.statement);
    }
    if (origin.named == no_statement) {
        send_renamed(server, frame, {}, note.sent_as, definition);
    } else {
        std::string out;
        const ServerStatementName server_name(name_prefix_, note.sent_as);
        wire::MessageWriter(out, Frontend::Parse)
            .c_string(server_name.text())
            .bytes(as_sent(definition, origin));
        send_copy(server.link, out);
    }
    expect_noted(server, owned(Expect::Parse, client), std::move(note));
    return Next::Continue;
}

Core::Next Core::parse_unnamed(Client& client, Server& server, const wire::Frame& frame) {
    const std::size_t kept_before = client.unnamed == nullptr ? 0 : client.unnamed->bytes;
    if (kept_before + frame.body.size() > uncounted_text_bytes) {
        const std::size_t replaced = replaced_by(client, frame);
        const session::Refusal refusal =
            lacks_room(client, frame.body.size() - std::min(frame.body.size(), replaced));
        if (refusal != session::Refusal::None) {
            refuse_message(client, frame, refusal);
            return Next::Continue;
        }
    }
    const std::string_view definition = frame.body.empty() ? frame.body : frame.body.substr(1);
    session::Origin origin = origin_now(client, server);
    session::StatementCommand command;
    if (session::may_name_statements(definition)) command = command_in(definition, origin);
    if (command.kind != session::StatementCommand::Kind::None) {
        origin.named = meant_by(client, command);
        if (depends_on_open(server, command.name, origin.named)) return stall(client);
        if (origin.named != no_statement) prepare_on(client, server, origin.named);
    }
    UnnamedStatement& unnamed = change_unnamed(client, server);
    if (unnamed.origin != origin) {
        hold_values(origin);
        release_values(unnamed.origin);
        unnamed.origin = origin;
    }
    const std::size_t counted = counted_bytes(unnamed);
    if (counted > 0) std::string().swap(unnamed.definition);
    unnamed.definition.assign(definition);
    count_unnamed(*client.unnamed, counted, counted_bytes(unnamed));
    unnamed.look = session::look_at_definition(definition);
    unnamed.look.names_statement = command.kind != session::StatementCommand::Kind::None;
    if (unnamed.look.listens) {
        unnamed.is_set = false;
        refuse_on(server, Expect::Parse, client.link.slot, session::Refusal::Listen);
        return Next::Continue;
    }
    unnamed.is_set = true;
    server.has_unnamed = true;
    server.unnamed_owner = client.link;
    server.unnamed_version = unnamed.version;
    Expected entry = owned(Expect::Parse, client);
    entry.version = unnamed.version;
    server.hold.set(HoldReason::Unsynced);
    if (origin.named == no_statement) {
        expect(server, entry);
        forward(client, server, frame);
    } else {
        std::string out;
        wire::MessageWriter(out, Frontend::Parse).bytes(zero).bytes(as_sent(definition, origin));
        send_copy(server.link, out);
        Note note{Note::Kind::Renamed};
        note.shifts.push_back(session::shift_of(
            definition, command, ServerStatementName(name_prefix_, origin.named).text()
        ));
        expect_noted(server, entry, std::move(note));
    }
    return Next::Continue;
}

Core::Next Core::bind(Client& client, Server& server, const wire::Frame& frame) {
    wire::ByteReader reader(frame.body);
    const std::string_view portal = reader.c_string();
    const std::string_view name = reader.c_string();
    if (!reader.ok() && !frame.is_whole()) return Next::NeedMore;
    session::StatementName statement;
    if (client.statements != nullptr) statement = client.statements->find(name);
    session::TextLook look = statement.look;
    if (name.empty() && client.unnamed != nullptr) look = client.unnamed->now.look;
    if (depends_on_open(server, name, statement.id)) return stall(client);
    BoundCommand bound;
    if (look.names_statement && !renew_meaning(client, server, name, statement, look, bound))
        return stall(client);
    if (reader.ok() && name.empty()) fit_unnamed(client, server);
    if (statement.id != no_statement) prepare_on(client, server, statement.id);
    if (look.names_statement || look.hides_deallocation || client.bound_commands != nullptr)
        note_command(client, portal, std::move(bound), look);
    server.traces.add(look.calls);
    if (portal.empty()) client.bound = look;
    if (look.sets || !server.changed.is_empty()) {
        std::string_view text;
        if (bound.sent_as != no_statement) {
            text = statements_.definition(bound.sent_as);
        } else if (statement.id != no_statement) {
            text = statements_.definition(statement.id);
        } else if (name.empty() && client.unnamed != nullptr) {
            text = client.unnamed->now.definition;
        }
        text = text.substr(0, text.find('\0'));
        if (look.sets) note_settings(server, text);
        if (may_change_settings(server, look, text)) server.has_set_in_batch = true;
    }
    server.hold.set(HoldReason::Unsynced);
    // A name of ours that the client never prepared is another client's statement.
    const bool is_foreign = statement.id == no_statement && name.starts_with(name_prefix_);
    Expected entry = owned(Expect::Bind, client);
    entry.version = statement.number;
    if (is_foreign) {
        expect_noted(server, entry, renamed_note(no_statement, name));
    } else {
        expect(server, entry);
    }
    if (statement.id == no_statement && !is_foreign) {
        forward(client, server, frame);
    } else {
        send_renamed(
            server, frame, frame.body.substr(0, portal.size() + 1), statement.id, reader.rest()
        );
        client.body = Body::Forward;
    }
    return Next::Continue;
}

Core::Next Core::describe_or_close(Client& client, Server& server, const wire::Frame& frame) {
    if (!frame.is_whole()) return Next::NeedMore;
    const bool is_close = static_cast<Frontend>(frame.type) == Frontend::Close;
    wire::ByteReader reader(frame.body);
    const char kind = reader.byte();
    const std::string_view name = reader.c_string();
    const bool is_statement = kind == 'S' && reader.ok() && pool_of(server).key.tracks_statements;
    Expected entry = owned(
        is_close      ? Expect::Close
        : kind == 'S' ? Expect::DescribeStatement
                      : Expect::DescribePortal,
        client
    );
    session::StatementName statement;
    session::TextLook look;
    if (is_statement && name.empty()) {
        if (client.unnamed != nullptr) look = client.unnamed->now.look;
    } else if (is_statement && client.statements != nullptr) {
        statement = client.statements->find(name);
        look = statement.look;
    }
    if (is_statement && !name.empty() && client.statements != nullptr &&
        depends_on_open(server, name, statement.id))
        return stall(client);
    BoundCommand meaning;
    if (!is_close && look.names_statement &&
        !renew_meaning(client, server, name, statement, look, meaning))
        return stall(client);
    const bool is_foreign =
        is_statement && statement.id == no_statement && name.starts_with(name_prefix_);
    if (is_statement && name.empty()) {
        if (!is_close) {
            fit_unnamed(client, server);
        } else {
            entry.version = end_unnamed(client, server);
            server.unnamed_owner = {};
        }
    }
    server.hold.set(HoldReason::Unsynced);
    if (is_close && statement.id != no_statement) {
        // Other clients may share it: it stays on the server until there is no room.
        client.statements->take(name);
        Note note{Note::Kind::ClientClose, statement.id};
        note.name = name;
        note.number = statement.number;
        note.look = statement.look;
        note.bytes = statement.bytes;
        expect_noted(server, entry, std::move(note));
        send_renamed(server, frame, frame.body.substr(0, 1), no_statement, {});
        return Next::Continue;
    }
    if (statement.id != no_statement) {
        prepare_on(client, server, statement.id);
        entry.version = statement.number;
    }
    if (is_foreign) {
        expect_noted(server, entry, renamed_note(no_statement, name));
    } else {
        expect(server, entry);
    }
    if (statement.id != no_statement || is_foreign) {
        send_renamed(server, frame, frame.body.substr(0, 1), statement.id, {});
    } else {
        forward(client, server, frame);
    }
    return Next::Continue;
}

// Whether messages behind a Sync meet the statements that those before it leave is known only when
// those are answered: a batch that fails is undone. Is such an answer still to come for this name
// or statement, or for the one that would have to make room?
bool Core::depends_on_open(const Server& server, std::string_view name, StatementId statement)
    const {
    if (server.notes_synced == 0 || server.replies.is_copy_in()) return false;
    if (server.notes_synced > open_notes_max) return true;
    StatementId victim = no_statement;
    if (!server.statements.has(statement))
        victim =
            server.statements.victim(static_cast<std::size_t>(settings_->prepared_statements_max));
    for (std::size_t i = 0; i < server.notes_synced; ++i) {
        const Note& note = server.notes[i];
        if ((!name.empty() && note.name == name) || note.all != nullptr) return true;
        if (note.statement == no_statement) continue;
        if (note.statement == statement || note.statement == victim) return true;
    }
    return false;
}

// Its messages wait until what they depend on is answered.
Core::Next Core::stall(Client& client) {
    client.is_stalled = true;
    return Next::Wait;
}

void Core::end_stall(Client& client) {
    client.is_stalled = false;
    resume_reads(client);
    run_on(client, open_stash(client.stash, {}, 0));
}

// After this, the statement is on the server, unless what is already under way there fails.
void Core::prepare_on(const Client& client, Server& server, StatementId statement) {
    if (server.statements.touch(statement)) return;
    if (server.statements.has(statement)) {
        close_on(server, statement);
    } else {
        make_room(server);
    }
    parse_on(client, server, statement);
}

void Core::parse_on(const Client& client, Server& server, StatementId statement) {
    server.statements.add(statement);
    const session::Origin& origin = statements_.origin(statement);
    if (server.alteration != 0 && origin.alteration != server.alteration &&
        !session::is_empty_one(statement))
        server.tainted.push_back(statement);
    Note note{Note::Kind::ServerParse, statement};
    note.sent_as = statement;
    const ServerStatementName name(name_prefix_, statement);
    server.notes.push_back(std::move(note));
    Expected entry = injected(Expect::Parse);
    entry.has_note = true;
    parse_as_of(origin, client, server, name.text(), statements_.definition(statement), entry);
    if (!session::is_empty_one(statement)) metrics_.statements_prepared_again.add();
}

// A Parse of ours. What PostgreSQL reads by is first made what it was when the client's own Parse
// was read, and then put back: inside the client's batch, so that an error takes all of it back.
void Core::parse_as_of(
    const session::Origin& origin,
    const Client& client,
    Server& server,
    std::string_view name,
    std::string_view definition,
    const Expected& entry
) {
    const session::Origin now = origin_now(client, server);
    // What ends a transaction has nothing to be read by settings, and in a failed one no setting
    // can be changed.
    const bool is_needed = now.settings != origin.settings &&
                           !session::is_exit(definition.substr(0, definition.find('\0')));
    // Behind a SET of the same batch it is not known what to go back to.
    const bool is_changed = is_needed && !server.has_set_in_batch;
    if (is_changed) change_settings(server, now, origin);
    std::string out;
    if (origin.named == no_statement) {
        wire::MessageWriter(out, Frontend::Parse).c_string(name).bytes(definition);
    } else {
        wire::MessageWriter(out, Frontend::Parse).c_string(name).bytes(as_sent(definition, origin));
    }
    send_copy(server.link, out);
    expect(server, entry);
    if (is_changed) change_settings(server, origin, now);
}

void Core::change_settings(Server& server, const session::Origin& from, const session::Origin& to) {
    const std::string sql = session::settings_sql(values_, from, to);
    if (sql.empty()) return;
    const std::string name = name_prefix_ + "s";
    std::string out;
    // One that an error left behind would be in the way.
    wire::MessageWriter(out, Frontend::Close).byte('S').c_string(name);
    wire::MessageWriter(out, Frontend::Parse).c_string(name).c_string(sql).u16(0);
    wire::MessageWriter(out, Frontend::Bind).c_string(name).c_string(name).u16(0).u16(0).u16(0);
    wire::MessageWriter(out, Frontend::Execute).c_string(name).u32(0);
    wire::MessageWriter(out, Frontend::Close).byte('P').c_string(name);
    wire::MessageWriter(out, Frontend::Close).byte('S').c_string(name);
    send_copy(server.link, out);
    for (const Expect kind :
         {Expect::Close,
          Expect::Parse,
          Expect::Bind,
          Expect::Execute,
          Expect::Close,
          Expect::Close})
        expect(server, injected(kind));
}

void Core::make_room(Server& server) {
    const auto statements_max = static_cast<std::size_t>(settings_->prepared_statements_max);
    const StatementId victim = server.statements.victim(statements_max);
    if (victim != no_statement) close_on(server, victim);
}

void Core::close_on(Server& server, StatementId statement) {
    Note note{Note::Kind::ServerClose, statement};
    note.was_spoilt = !server.statements.touch(statement);
    server.statements.remove(statement);
    const ServerStatementName name(name_prefix_, statement);
    std::string out;
    wire::MessageWriter(out, Frontend::Close).byte('S').c_string(name.text());
    send_copy(server.link, out);
    expect_noted(server, injected(Expect::Close), std::move(note));
}

// After this, the server's unnamed statement is this client's, or there is none.
void Core::fit_unnamed(Client& client, Server& server) {
    if (client.unnamed != nullptr && client.unnamed->now.is_set) {
        const UnnamedStatement& unnamed = client.unnamed->now;
        const bool is_there = server.has_unnamed && server.unnamed_owner == client.link &&
                              server.unnamed_version == unnamed.version;
        if (is_there) return;
        server.has_unnamed = true;
        server.unnamed_owner = client.link;
        server.unnamed_version = unnamed.version;
        const Expected entry = injected(Expect::Parse);
        parse_as_of(unnamed.origin, client, server, {}, unnamed.definition, entry);
        metrics_.statements_prepared_again.add();
    } else {
        if (!server.has_unnamed) return;
        std::string out;
        wire::MessageWriter(out, Frontend::Close).byte('S').bytes(zero);
        server.unnamed_owner = {};
        expect(server, injected(Expect::Close));
        send_copy(server.link, out);
    }
}

// The frame with its statement name replaced: header, `before`, the name, `after`, and what is
// still missing of it.
void Core::send_renamed(
    Server& server,
    const wire::Frame& frame,
    std::string_view before,
    StatementId statement,
    std::string_view after
) {
    const ServerStatementName name(name_prefix_, statement);
    const std::size_t own = wire::header_bytes + before.size() + name.text().size() + 1;
    const std::size_t length = own - 1 + after.size() + frame.missing;
    char* const head = arena_.allocate(own);
    const std::uint32_t big_endian = __builtin_bswap32(static_cast<std::uint32_t>(length));
    head[0] = frame.type;
    std::memcpy(head + 1, &big_endian, sizeof big_endian);
    before.copy(head + wire::header_bytes, before.size());
    name.text().copy(head + wire::header_bytes + before.size(), name.text().size());
    head[own - 1] = '\0';
    send(server.link, {head, own});
    send(server.link, after);
}

}  // namespace penstock::proxy
