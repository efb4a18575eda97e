// What was assumed of statements when messages were sent, and what becomes of it when they are
// answered, or fail, or are discarded behind an error: the order of answers decides.
#include "crds/api/check.hpp"
#include "dataplane/proxy/core.hpp"

namespace penstock::proxy {
namespace {

using session::empty_statement;
using session::Expect;
using session::Expected;
using session::HoldReason;
using session::no_statement;

// What was taken from the client's names comes back, unless there is another by that name.
void give_name_back(
    session::StatementTable& statements,
    session::ClientStatements* names,
    std::string_view name,
    const session::StatementName& statement
) {
    if (names != nullptr && names->find(name).id == no_statement) {
        names->put_back(name, statement);
    } else {
        statements.release(statement.id);
    }
}

}  // namespace

Note Core::renamed_note(session::StatementId sent_as, std::string_view name) {
    Note note{Note::Kind::Renamed};
    note.sent_as = sent_as;
    note.name = name;
    return note;
}

void Core::expect_noted(Server& server, Expected entry, Note note) {
    entry.has_note = true;
    server.notes.push_back(std::move(note));
    expect(server, entry);
}

// A message is to be sent that ends the unnamed statement and may make another. The one before is
// kept if the message may be discarded behind an error: the first one behind a Sync never is.
UnnamedStatement& Core::change_unnamed(Client& client, Server& server) {
    if (client.unnamed == nullptr) client.unnamed = std::make_unique<UnnamedStatements>();
    UnnamedStatements& unnamed = *client.unnamed;
    if (server.hold.has(HoldReason::Unsynced)) {
        count_unnamed(unnamed, counted_bytes(unnamed.now), counted_bytes_before(unnamed.now));
        unnamed.before.push_back(std::move(unnamed.now));
        unnamed.now = {};
    } else {
        settle_unnamed(unnamed, unnamed.last_version + 1);
    }
    unnamed.now.version = ++unnamed.last_version;
    unnamed.now.is_set = false;
    return unnamed.now;
}

// The version of the message that ends it; 0: there is nothing to end.
std::uint64_t Core::end_unnamed(Client& client, Server& server) {
    if (client.unnamed == nullptr || !client.unnamed->now.is_set) return 0;
    const std::uint64_t version = change_unnamed(client, server).version;
    drop_definition(*client.unnamed);
    return version;
}

// The message of this version was answered: what was before it never comes back.
void Core::settle_unnamed(UnnamedStatements& unnamed, std::uint64_t version) {
    while (!unnamed.before.empty() && unnamed.before.front().version < version) {
        release_values(unnamed.before.front().origin);
        count_unnamed(unnamed, counted_bytes_before(unnamed.before.front()), 0);
        unnamed.before.pop_front();
    }
}

// The messages of these versions were discarded. What was sent behind their Sync stands.
void Core::discard_unnamed(
    UnnamedStatements& unnamed, std::uint64_t first_version, std::uint64_t last_version
) {
    const auto is_discarded = [&](const UnnamedStatement& statement) {
        return statement.version >= first_version && statement.version <= last_version;
    };
    for (const UnnamedStatement& statement : unnamed.before) {
        if (!is_discarded(statement)) continue;
        release_values(statement.origin);
        count_unnamed(unnamed, counted_bytes_before(statement), 0);
    }
    std::erase_if(unnamed.before, is_discarded);
    if (!is_discarded(unnamed.now)) return;
    release_values(unnamed.now.origin);
    count_unnamed(unnamed, counted_bytes(unnamed.now), 0);
    unnamed.now = {};
    if (unnamed.before.empty()) return;
    const UnnamedStatement& last = unnamed.before.back();
    count_unnamed(unnamed, counted_bytes_before(last), counted_bytes(last));
    unnamed.now = std::move(unnamed.before.back());
    unnamed.before.pop_back();
}

void Core::hold_values(const session::Origin& origin) {
    for (const session::ValueId value : origin.settings) values_.add_reference(value);
    statements_.add_reference(origin.named);
}

void Core::release_values(const session::Origin& origin) {
    for (const session::ValueId value : origin.settings) values_.release(value);
    statements_.release(origin.named);
}

// These entries failed or were discarded: what was assumed when they were sent did not come true.
void Core::undo(Server& server, const std::vector<Expected>& entries) {
    Client* const owner = owner_of(server);
    std::vector<Note> notes;
    UnnamedStatements* const unnamed = owner == nullptr ? nullptr : owner->unnamed.get();
    // Of the messages for the unnamed statement.
    std::uint64_t first_discarded = 0;
    std::uint64_t last_discarded = 0;
    for (const Expected& entry : entries) {
        if (entry.has_note) {
            notes.push_back(take_note(server));
            if (entry.version == 0) continue;
        }
        const bool is_for_unnamed = entry.kind == Expect::Parse || entry.kind == Expect::Query ||
                                    entry.kind == Expect::Close;
        if (!is_for_unnamed) continue;
        // An unnamed statement may be there or not, and whose it is is not known.
        server.has_unnamed = true;
        server.unnamed_owner = {};
        if (unnamed == nullptr || entry.version == 0) continue;
        if (&entry == &entries.front()) {
            // PostgreSQL drops the unnamed statement before it looks at the new one.
            settle_unnamed(*unnamed, entry.version);
            for (UnnamedStatement& statement : unnamed->before) {
                if (statement.version == entry.version) statement.is_set = false;
            }
            if (unnamed->now.version == entry.version) drop_definition(*unnamed);
            continue;
        }
        if (first_discarded == 0) first_discarded = entry.version;
        last_discarded = entry.version;
    }
    if (first_discarded != 0) discard_unnamed(*unnamed, first_discarded, last_discarded);
    session::ClientStatements* const names = owner == nullptr ? nullptr : owner->statements.get();
    for (auto note = notes.rbegin(); note != notes.rend(); ++note) undo_note(server, names, *note);
}

void Core::undo_note(Server& server, session::ClientStatements* names, const Note& note) {
    switch (note.kind) {
        case Note::Kind::ClientParse:
            server.statements.remove(note.statement);
            if (names != nullptr && names->find(note.name).number == note.number) {
                statements_.release(names->take(note.name).id);
            }
            if (note.holds_statement) statements_.release(note.statement);
            break;
        case Note::Kind::ServerParse:
            server.statements.remove(note.statement);
            break;
        case Note::Kind::ServerClose:
            server.statements.add(note.statement);
            if (note.was_spoilt) server.statements.spoil(note.statement);
            break;
        case Note::Kind::ClientClose:
            if (note.statement == no_statement) break;
            give_name_back(
                statements_, names, note.name, {note.statement, note.number, note.look, note.bytes}
            );
            break;
        case Note::Kind::Deallocation:
            server.statements.add(empty_statement);
            give_name_back(
                statements_, names, note.name, {note.statement, note.number, note.look, note.bytes}
            );
            break;
        case Note::Kind::Text:
            end_names(server, names, note);
            break;
        case Note::Kind::AllGone:
            server.statements = std::move(note.all->on_server);
            if (names == nullptr) {
                note.all->names.clear(statements_);
            } else {
                // What was prepared behind it is undone already.
                names->put_all_back(std::move(note.all->names), statements_);
            }
            break;
        case Note::Kind::TakenParse:
            statements_.release(note.statement);
            break;
        case Note::Kind::Renamed:
            break;
    }
}

// A Query with these names in its text is over.
void Core::end_names(Server& server, session::ClientStatements* names, const Note& note) {
    for (const NameInText& name : *note.names) {
        if (name.taken.id == no_statement) continue;
        if (name.is_done) {
            statements_.release(name.taken.id);
        } else {
            server.statements.add(name.sent_as);
            give_name_back(statements_, names, name.name, name.taken);
        }
    }
}

// The oldest note's message was answered with success.
void Core::settle_note(Server& server) {
    const Note note = take_note(server);
    if (note.is_failed || note.kind == Note::Kind::Text) {
        Client* const client = owner_of(server);
        return undo_note(server, client == nullptr ? nullptr : client->statements.get(), note);
    }
    if (note.holds_statement) statements_.release(note.statement);
    if (note.all != nullptr) note.all->names.clear(statements_);
    const bool is_gone =
        note.kind == Note::Kind::ClientClose || note.kind == Note::Kind::Deallocation;
    if (is_gone && note.statement != no_statement) statements_.release(note.statement);
    if (note.kind != Note::Kind::TakenParse) return;
    // The name was not taken: all statements were deallocated where it could not be seen. What now
    // has the empty statement's name is another.
    forget_statements(server);
    server.statements.add(empty_statement);
    server.statements.spoil(empty_statement);
    Client* const owner = owner_of(server);
    session::ClientStatements* const names = owner == nullptr ? nullptr : owner->statements.get();
    if (names != nullptr && names->find(note.name).id == no_statement) {
        names->add(
            note.name, note.statement, note.look, statements_.definition(note.statement).size()
        );
    } else {
        statements_.release(note.statement);
    }
}

Note Core::take_note(Server& server) {
    CHECK(!server.notes.empty());
    Note note = std::move(server.notes.front());
    server.notes.pop_front();
    if (server.notes_synced > 0 && --server.notes_synced == 0) server.may_end_stall = true;
    return note;
}

// What a note holds of the table is given back: its server is gone.
void Core::drop_notes(Server& server) {
    for (const Note& note : server.notes) {
        const bool holds = note.kind == Note::Kind::ClientClose ||
                           note.kind == Note::Kind::Deallocation ||
                           note.kind == Note::Kind::TakenParse;
        if (holds || note.holds_statement) statements_.release(note.statement);
        if (note.all != nullptr) note.all->names.clear(statements_);
        if (note.names == nullptr) continue;
        for (const NameInText& name : *note.names) statements_.release(name.taken.id);
    }
    server.notes.clear();
    server.notes_synced = 0;
}

// By which of the client's names the failed message meant a statement, and which one that is. The
// name holds until the notes or the client's names change.
session::ClientStatements::Found Core::meant_by_error(
    Server& server, const Expected& entry, std::string_view message
) {
    if (entry.has_note) {
        const Note& note = server.notes.front();
        if (note.names == nullptr) return {note.name, note.sent_as};
        for (const NameInText& name : *note.names) {
            if (name.sent_as == no_statement) continue;
            const session::ServerStatementName ours(name_prefix_, name.sent_as);
            if (wire::find_name(message, ours.text()) != std::string_view::npos)
                return {name.name, name.sent_as};
        }
        return {};
    }
    const bool has_number = entry.kind == Expect::Bind || entry.kind == Expect::DescribeStatement;
    const Client* const client = owner_of(server);
    if (entry.version == 0 || !has_number || client == nullptr || client->statements == nullptr)
        return {};
    const auto found = client->statements->find_number(entry.version);
    if (!found.name.empty()) return found;
    for (const Note& note : server.notes) {
        if (note.number == entry.version) return {note.name, note.statement};
        // Taken by a DEALLOCATE ALL that is behind the message.
        if (note.all == nullptr) continue;
        const auto taken = note.all->names.find_number(entry.version);
        if (!taken.name.empty()) return taken;
    }
    if (server.forgotten == nullptr) return {};
    return server.forgotten->find_number(entry.version);
}

// What an error shows of the server's statements. meant: by the message that failed.
void Core::learn_from(
    Server& server,
    const wire::ErrorFields& error,
    const session::Expected& entry,
    session::StatementId meant
) {
    const bool is_stale = error.sql_state == wire::sql_state::feature_not_supported &&
                          error.routine == "RevalidateCachedQuery";
    if (is_stale && entry.kind == Expect::Query && entry.has_note) {
        for (const NameInText& name : *server.notes.front().names)
            server.statements.spoil(name.sent_as);
    }
    if (meant == session::no_statement || session::is_empty_one(meant)) return;
    const bool uses = entry.kind != Expect::Parse;
    if (uses && is_stale) {
        // A plan of before a change of tables: whoever uses it next has it made anew.
        server.statements.spoil(meant);
    } else if (uses && error.sql_state == wire::sql_state::invalid_sql_statement_name) {
        // Somebody deallocated it unseen, and maybe others.
        server.statements.remove(meant);
        server.closes_when_free = true;
    } else if (entry.kind == Expect::Parse && error.sql_state == wire::sql_state::duplicate_prepared_statement) {
        // Somebody has made one of this name.
        server.statements.add(meant);
        server.statements.spoil(meant);
        server.closes_when_free = true;
    }
}

// DEALLOCATE ALL or DISCARD ALL was carried out. What was sent behind it stands.
void Core::forget_statements(Server& server) {
    server.statements.clear();
    Client* const owner = owner_of(server);
    session::ClientStatements* const names = owner == nullptr ? nullptr : owner->statements.get();
    if (names != nullptr) {
        // What was sent behind it under these names fails.
        server.forgotten = nullptr;
        if (server.replies.binds_names())
            server.forgotten = std::make_unique<session::ClientStatements>(*names);
        for (const Note& note : server.notes) {
            if (note.kind == Note::Kind::ClientParse) statements_.add_reference(note.statement);
        }
        names->clear(statements_);
    }
    for (Note& note : server.notes) {
        const bool is_parse =
            note.kind == Note::Kind::ServerParse || note.kind == Note::Kind::ClientParse;
        if (is_parse) server.statements.add(note.statement);
        if (note.kind == Note::Kind::ServerClose) server.statements.remove(note.statement);
        if (names == nullptr) continue;
        if (note.kind == Note::Kind::ClientParse) {
            if (names->find(note.name).id == no_statement) {
                names->put_back(note.name, {note.statement, note.number, note.look});
            } else {
                statements_.release(note.statement);
            }
        } else if (note.kind == Note::Kind::ClientClose && note.statement != no_statement) {
            // Undone, it gives back only what was prepared behind the deallocation.
            const bool is_behind = names->find(note.name).number == note.number;
            if (is_behind) names->take(note.name);
            statements_.release(note.statement);
            if (!is_behind) note.statement = no_statement;
        }
    }
}

}  // namespace penstock::proxy
