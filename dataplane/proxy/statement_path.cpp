// Parse, Bind, Describe and Close in pool mode Transaction: a client's statement names stand for
// statements that any server can be taught. Names are changed on the way, nothing else is.
//
// Where PostgreSQL would raise an error, the message goes to the server so that it raises the error
// itself, at its place, with its consequences for the transaction.
#include "crds/api/check.hpp"
#include "dataplane/proxy/core.hpp"
#include "dataplane/wire/writer.hpp"

#include <cstring>

namespace penstock::proxy {
namespace {

using session::Expect;
using session::Expected;
using session::HoldReason;
using session::no_statement;
using session::ServerStatementName;
using wire::Frontend;

constexpr std::string_view our_prefix = "penstock_";
constexpr std::string_view zero("\0", 1);

Expected injected(Expect kind) {
    Expected entry;
    entry.kind = kind;
    entry.is_swallowed = true;
    return entry;
}

}  // namespace

Core::Next Core::parse(Client& client, Server& server, const wire::Frame& frame) {
    if (!frame.is_whole()) return Next::NeedMore;
    wire::ByteReader reader(frame.body);
    const std::string_view name = reader.c_string();
    if (!reader.ok() || name.empty()) return parse_unnamed(client, server, frame);
    const std::string_view definition = reader.rest();
    if (session::look_at_definition(definition).listens) {
        refuse_listen(server, Expect::Parse, client.link.slot);
        server.hold.set(HoldReason::Unsynced);
        return Next::Continue;
    }
    if (client.statements == nullptr)
        client.statements = std::make_unique<session::ClientStatements>();
    const session::StatementId known = client.statements->find(name);
    if (depends_on_open(server, name, known == no_statement ? statements_.find(definition) : known))
        return stall(client);

    Expected entry;
    entry.kind = Expect::Parse;
    entry.has_note = true;
    entry.owner = client.link.slot;
    Note note{Note::Kind::ClientParse, known, false, std::string(name)};
    server.hold.set(HoldReason::Unsynced);

    if (note.statement != no_statement) {
        // The statement is made sure to exist under the name that this Parse gets, so it fails with
        // 42P05 unless the text is at fault before that, as at PostgreSQL.
        prepare_on(server, note.statement);
        note.kind = Note::Kind::Renamed;
        entry.is_renamed = true;
        send_renamed(server, frame, {}, note.statement, definition);
    } else {
        note.statement = statements_.add(definition);
        client.statements->add(name, note.statement);
        const bool is_there = server.statements.touch(note.statement);
        // In a failed transaction PostgreSQL refuses most texts, so it must be asked.
        const bool may_be_failed =
            server.status == wire::TransactionStatus::Failed || server.replies.owes_ready();
        if (is_there && !may_be_failed) {
            entry.is_synthetic = true;
        } else {
            if (is_there) {
                close_on(server, note.statement);
            } else {
                make_room(server);
            }
            server.statements.add(note.statement);
            note.is_on_server = true;
            send_renamed(server, frame, {}, note.statement, definition);
        }
    }
    server.notes.push_back(std::move(note));
    expect(server, entry);
    return Next::Continue;
}

Core::Next Core::parse_unnamed(Client& client, Server& server, const wire::Frame& frame) {
    if (client.unnamed == nullptr) client.unnamed = std::make_unique<UnnamedStatement>();
    UnnamedStatement& unnamed = *client.unnamed;
    unnamed.definition.assign(frame.body.empty() ? frame.body : frame.body.substr(1));
    unnamed.look = session::look_at_definition(unnamed.definition);
    if (unnamed.look.listens) {
        unnamed.is_set = false;
        refuse_listen(server, Expect::Parse, client.link.slot);
        server.hold.set(HoldReason::Unsynced);
        return Next::Continue;
    }
    unnamed.is_set = true;
    ++unnamed.version;
    server.has_unnamed = true;
    server.unnamed_owner = client.link;
    server.unnamed_version = unnamed.version;
    Expected entry;
    entry.kind = Expect::Parse;
    entry.owner = client.link.slot;
    entry.version = unnamed.version;
    expect(server, entry);
    server.hold.set(HoldReason::Unsynced);
    forward(client, server, frame);
    return Next::Continue;
}

Core::Next Core::bind(Client& client, Server& server, const wire::Frame& frame) {
    wire::ByteReader reader(frame.body);
    const std::string_view portal = reader.c_string();
    const std::string_view name = reader.c_string();
    if (!reader.ok() && !frame.is_whole()) return Next::NeedMore;
    const session::StatementId statement =
        client.statements == nullptr ? no_statement : client.statements->find(name);
    if (depends_on_open(server, name, statement)) return stall(client);
    if (reader.ok() && name.empty()) fit_unnamed(client, server);
    if (statement != no_statement) prepare_on(server, statement);
    session::TextLook look;
    if (statement != no_statement) {
        look = statements_.look(statement);
    } else if (name.empty() && client.unnamed != nullptr) {
        look = client.unnamed->look;
    }
    server.traces.add(look.calls);
    if (portal.empty()) client.bound = look;
    server.hold.set(HoldReason::Unsynced);
    // A name of ours that the client never prepared is another client's statement: number 0 never
    // exists.
    const bool is_foreign = statement == no_statement && name.starts_with(our_prefix);
    if (is_foreign) {
        expect_foreign(server, Expect::Bind, client.link.slot, name);
    } else {
        expect(server, Expect::Bind, client.link.slot);
    }
    if (statement == no_statement && !is_foreign) {
        forward(client, server, frame);
    } else {
        send_renamed(
            server, frame, frame.body.substr(0, portal.size() + 1), statement, reader.rest()
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
    const bool is_statement = kind == 'S';
    const bool is_known = is_statement && client.statements != nullptr && !name.empty();
    const bool tracks_statements = pool_of(server).key.tracks_statements;
    if (is_known && tracks_statements &&
        depends_on_open(server, name, client.statements->find(name)))
        return stall(client);

    const Expect expected = is_close       ? Expect::Close
                            : is_statement ? Expect::DescribeStatement
                                           : Expect::DescribePortal;
    session::StatementId statement = no_statement;
    if (is_known && tracks_statements) {
        statement = is_close ? client.statements->take(name) : client.statements->find(name);
    }
    server.hold.set(HoldReason::Unsynced);
    if (is_close && statement != no_statement) {
        // Other clients may share it: it stays on the server until there is no room.
        server.notes.push_back({Note::Kind::ClientClose, statement, false, std::string(name)});
        Expected entry;
        entry.kind = Expect::Close;
        entry.is_synthetic = true;
        entry.has_note = true;
        entry.owner = client.link.slot;
        expect(server, entry);
        return Next::Continue;
    }
    if (is_statement && name.empty() && reader.ok() && tracks_statements) {
        if (!is_close) {
            fit_unnamed(client, server);
        } else {
            if (client.unnamed != nullptr) client.unnamed->is_set = false;
            server.unnamed_owner = {};
        }
    }
    if (statement != no_statement) prepare_on(server, statement);
    const bool is_foreign = is_statement && tracks_statements && statement == no_statement &&
                            name.starts_with(our_prefix);
    if (is_foreign) {
        expect_foreign(server, expected, client.link.slot, name);
    } else {
        expect(server, expected, client.link.slot);
    }
    if (statement != no_statement || is_foreign) {
        send_renamed(server, frame, frame.body.substr(0, 1), statement, {});
    } else {
        forward(client, server, frame);
    }
    return Next::Continue;
}

void Core::expect_foreign(Server& server, Expect kind, std::uint32_t owner, std::string_view name) {
    server.notes.push_back({Note::Kind::Renamed, no_statement, false, std::string(name)});
    Expected entry;
    entry.kind = kind;
    entry.has_note = true;
    entry.is_renamed = true;
    entry.owner = owner;
    expect(server, entry);
}

// Whether messages behind a Sync meet the statements that those before it leave is known only when
// those are answered: a batch that fails is undone. Is such an answer still to come for this name
// or statement, or for the one that would have to make room?
bool Core::depends_on_open(
    const Server& server, std::string_view name, session::StatementId statement
) const {
    if (server.notes_synced == 0 || server.replies.is_copy_in()) return false;
    session::StatementId victim = no_statement;
    if (!server.statements.has(statement))
        victim =
            server.statements.victim(static_cast<std::size_t>(settings_->prepared_statements_max));
    for (std::size_t i = 0; i < server.notes_synced; ++i) {
        const Note& note = server.notes[i];
        if (!name.empty() && note.name == name) return true;
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
    run_client(client, open_stash(client.stash, {}, 0));
}

// After this, the statement is on the server, unless what is already under way there fails.
void Core::prepare_on(Server& server, session::StatementId statement) {
    if (server.statements.touch(statement)) return;
    make_room(server);
    server.statements.add(statement);
    const ServerStatementName name(statement);
    std::string out;
    wire::MessageWriter(out, Frontend::Parse)
        .c_string(name.text())
        .bytes(statements_.definition(statement));
    send_copy(server.link, out);
    Expected entry = injected(Expect::Parse);
    entry.has_note = true;
    server.notes.push_back({Note::Kind::ServerParse, statement, true, {}});
    expect(server, entry);
    metrics_.statements_prepared_again.add();
}

void Core::make_room(Server& server) {
    const auto statements_max = static_cast<std::size_t>(settings_->prepared_statements_max);
    const session::StatementId victim = server.statements.victim(statements_max);
    if (victim != no_statement) close_on(server, victim);
}

void Core::close_on(Server& server, session::StatementId statement) {
    server.statements.remove(statement);
    const ServerStatementName name(statement);
    std::string out;
    wire::MessageWriter(out, Frontend::Close).byte('S').c_string(name.text());
    send_copy(server.link, out);
    Expected entry = injected(Expect::Close);
    entry.has_note = true;
    server.notes.push_back({Note::Kind::ServerClose, statement, true, {}});
    expect(server, entry);
}

// After this, the server's unnamed statement is this client's, or there is none.
void Core::fit_unnamed(Client& client, Server& server) {
    const bool has_own = client.unnamed != nullptr && client.unnamed->is_set;
    std::string out;
    if (has_own) {
        const bool is_there = server.has_unnamed && server.unnamed_owner == client.link &&
                              server.unnamed_version == client.unnamed->version;
        if (is_there) return;
        wire::MessageWriter(out, Frontend::Parse).bytes(zero).bytes(client.unnamed->definition);
        server.has_unnamed = true;
        server.unnamed_owner = client.link;
        server.unnamed_version = client.unnamed->version;
        expect(server, injected(Expect::Parse));
        metrics_.statements_prepared_again.add();
    } else {
        if (!server.has_unnamed) return;
        wire::MessageWriter(out, Frontend::Close).byte('S').bytes(zero);
        server.unnamed_owner = {};
        expect(server, injected(Expect::Close));
    }
    send_copy(server.link, out);
}

// The frame with its statement name replaced: header, `before`, the name, `after`, and what is
// still missing of it.
void Core::send_renamed(
    Server& server,
    const wire::Frame& frame,
    std::string_view before,
    session::StatementId statement,
    std::string_view after
) {
    const ServerStatementName name(statement);
    const std::size_t own = wire::header_bytes + before.size() + name.text().size() + 1;
    const std::size_t length = own - 1 + after.size() + frame.missing;
    char* const head = arena_.allocate(own);
    const std::uint32_t big_endian = __builtin_bswap32(static_cast<std::uint32_t>(length));
    head[0] = frame.type;
    std::memcpy(head + 1, &big_endian, sizeof big_endian);
    std::memcpy(head + wire::header_bytes, before.data(), before.size());
    std::memcpy(head + wire::header_bytes + before.size(), name.text().data(), name.text().size());
    head[own - 1] = '\0';
    send(server.link, {head, own});
    send(server.link, after);
}

// These entries failed or were discarded: what was assumed when they were sent did not come true.
void Core::undo(Server& server, const std::vector<Expected>& entries) {
    Client* const owner = owner_of(server);
    std::vector<Note> notes;
    for (const Expected& entry : entries) {
        if (entry.has_note) {
            notes.push_back(take_note(server));
        } else if (entry.kind == Expect::Parse || entry.kind == Expect::Query || entry.kind == Expect::Close) {
            // An unnamed statement may be there or not, and whose it is is not known.
            server.has_unnamed = true;
            server.unnamed_owner = {};
            // PostgreSQL drops the unnamed statement before it looks at the new one.
            UnnamedStatement* const unnamed = owner == nullptr ? nullptr : owner->unnamed.get();
            if (unnamed != nullptr && entry.version == unnamed->version) unnamed->is_set = false;
        }
    }
    session::ClientStatements* const names = owner == nullptr ? nullptr : owner->statements.get();
    for (auto note = notes.rbegin(); note != notes.rend(); ++note) {
        switch (note->kind) {
            case Note::Kind::ClientParse:
                if (note->is_on_server) server.statements.remove(note->statement);
                if (names != nullptr && names->find(note->name) == note->statement) {
                    statements_.release(names->take(note->name));
                }
                break;
            case Note::Kind::ServerParse:
                server.statements.remove(note->statement);
                break;
            case Note::Kind::ServerClose:
                server.statements.add(note->statement);
                break;
            case Note::Kind::ClientClose:
                if (names != nullptr && names->find(note->name) == no_statement) {
                    names->add(note->name, note->statement);
                } else {
                    statements_.release(note->statement);
                }
                break;
            case Note::Kind::Renamed:
                break;
        }
    }
}

// The oldest note's message was answered with success.
void Core::settle_note(Server& server) {
    const Note note = take_note(server);
    if (note.kind == Note::Kind::ClientClose) statements_.release(note.statement);
}

Note Core::take_note(Server& server) {
    CHECK(!server.notes.empty());
    Note note = std::move(server.notes.front());
    server.notes.pop_front();
    if (server.notes_synced > 0) --server.notes_synced;
    return note;
}

// DEALLOCATE ALL or DISCARD ALL was carried out. What was sent behind it stands.
void Core::forget_statements(Server& server) {
    server.statements.clear();
    Client* const owner = owner_of(server);
    session::ClientStatements* const names = owner == nullptr ? nullptr : owner->statements.get();
    if (names != nullptr) {
        for (Note& note : server.notes) {
            if (note.kind == Note::Kind::ClientParse) statements_.add_reference(note.statement);
        }
        names->clear(statements_);
    }
    for (const Note& note : server.notes) {
        if (note.kind == Note::Kind::ServerParse || note.is_on_server)
            server.statements.add(note.statement);
        if (note.kind != Note::Kind::ClientParse || names == nullptr) continue;
        if (names->find(note.name) == no_statement) {
            names->add(note.name, note.statement);
        } else {
            statements_.release(note.statement);
        }
    }
}

}  // namespace penstock::proxy
