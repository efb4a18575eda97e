// SQL about prepared statements in pool mode Transaction: DEALLOCATE, EXECUTE and PREPARE with
// names that the client prepared by the protocol. The names are changed on the way, as in Bind, and
// nothing else is; what an error says of them is changed back. And LISTEN, which is refused there.
//
// A Query with such commands waits for what is owed, and all that the client sends behind it waits
// for the commands: the order of answers decides what a name stands for.
#include "dataplane/proxy/core.hpp"
#include "dataplane/wire/writer.hpp"

#include <algorithm>
#include <functional>
#include <utility>

namespace penstock::proxy {
namespace {

using session::empty_statement;
using session::Expect;
using session::Expected;
using session::HoldReason;
using session::no_statement;
using session::StatementCommand;
using session::StatementId;

// Fails in a failed transaction with 25P02, else with an error for which the client gets ours. The
// name is for the server's log.
constexpr std::string_view refused_text = "SELECT penstock_refused_this_message()";

}  // namespace

// True if what is under way must be answered first.
bool Core::must_settle(const Server& server) const {
    return server.replies.owes_ready() && !server.replies.is_copy_in();
}

// All that follows waits for what is sent next. Not inside a batch: an error would discard it, and
// the Sync that ends that would wait too.
void Core::settle_first(Server& server) {
    server.is_settling = !server.hold.has(HoldReason::Unsynced);
}

// The names in a simple Query's text that the protocol prepared. `named` is the text to be sent in
// its place; null: nothing is changed.
Core::Next Core::name_statements(
    Client& client,
    Server& server,
    std::string_view text,
    Expected& entry,
    std::unique_ptr<NamedText>& named
) {
    const std::vector<StatementCommand> commands =
        session::commands_in(text, backslashes(origin_now(client, server)));
    if (commands.empty()) return Next::Continue;
    if (must_settle(server)) return stall(client);
    settle_first(server);
    if (client.statements == nullptr || entry.look.listens) return Next::Continue;
    // A failed transaction ends first, if at all: nothing can be parsed before that.
    const bool is_failed = server.status == wire::TransactionStatus::Failed;
    auto names = std::make_unique<std::vector<NameInText>>();
    std::vector<StatementId> needed;
    StatementId empty_one = empty_statement;
    const auto next_empty_one = [&] {
        needed.push_back(empty_one);
        return session::is_empty_one(empty_one - 1) ? empty_one-- : no_statement;
    };
    for (const StatementCommand& command : commands) {
        // Behind it, a name is what SQL has prepared.
        if (command.kind == StatementCommand::Kind::DeallocateAll) break;
        NameInText& name = names->emplace_back(NameInText{command.kind, command.name});
        const session::StatementName known = client.statements->find(command.name);
        if (known.id == no_statement) continue;
        if (command.kind == StatementCommand::Kind::Execute) {
            if (meant_by(client, command) == no_statement) continue;
            if (is_failed && !server.statements.touch(known.id)) continue;
            name.sent_as = known.id;
            needed.push_back(known.id);
            entry.look.add(known.look);
            if (known.look.sets) note_settings(server, statements_.definition(known.id));
        } else {
            name.sent_as = next_empty_one();
            // Others may share it.
            if (command.kind == StatementCommand::Kind::Deallocate && name.sent_as != no_statement)
                name.taken = client.statements->take(command.name);
        }
    }
    if (needed.empty()) return Next::Continue;
    prepare_all_on(client, server, needed);

    named = std::make_unique<NamedText>(NamedText{{}, Note{Note::Kind::Text}});
    std::size_t copied = 0;
    std::int32_t position = 0;
    for (std::size_t i = 0; i < names->size(); ++i) {
        const NameInText& name = (*names)[i];
        const StatementCommand& command = commands[i];
        if (name.sent_as == no_statement) continue;
        if (name.taken.id != no_statement) server.statements.remove(name.sent_as);
        const session::ServerStatementName ours(name_prefix_, name.sent_as);
        const std::string_view before = text.substr(copied, command.name_at - copied);
        const std::string_view written = text.substr(command.name_at, command.name_size);
        position += session::characters(before);
        const auto size = static_cast<std::int32_t>(ours.text().size());
        named->note.shifts.push_back({position, size - session::characters(written)});
        position += session::characters(written);
        named->sent.append(before).append(ours.text());
        copied = command.name_at + command.name_size;
    }
    named->sent.append(text.substr(copied));
    named->note.names = std::move(names);
    return Next::Continue;
}

// After this, all of them are on the server, unless what is already under way there fails.
void Core::prepare_all_on(
    const Client& client, Server& server, const std::vector<StatementId>& statements
) {
    std::size_t missing = 0;
    for (const StatementId statement : statements) {
        if (!server.statements.touch(statement) && !server.statements.has(statement)) ++missing;
    }
    const auto most = static_cast<std::size_t>(settings_->prepared_statements_max);
    const std::size_t kept = most > missing ? most - missing + 1 : 1;
    while (missing > 0) {
        const StatementId victim = server.statements.victim(kept);
        if (victim == no_statement) break;
        if (std::ranges::find(statements, victim) != statements.end()) break;
        close_on(server, victim);
    }
    for (const StatementId statement : statements) {
        if (server.statements.touch(statement)) continue;
        if (server.statements.has(statement)) close_on(server, statement);
        parse_on(client, server, statement);
    }
}

// A DEALLOCATE was carried out. True if its name was the protocol's.
bool Core::is_deallocation_of_ours(Server& server, const Expected& entry) {
    if (!entry.has_note) return false;
    if (entry.kind != Expect::Query) return true;
    if (server.notes.front().names == nullptr) return false;
    for (NameInText& name : *server.notes.front().names) {
        if (name.kind != StatementCommand::Kind::Deallocate || name.is_done) continue;
        name.is_done = true;
        return name.sent_as != no_statement;
    }
    return false;
}

// The client's name is gone if its DEALLOCATE, sent as one of the empty statement, succeeds. Other
// clients may share the statement itself.
Note Core::deallocation(Client& client, Server& server, std::string_view name) {
    prepare_on(client, server, empty_statement);
    server.statements.remove(empty_statement);
    const session::StatementName statement = client.statements->take(name);
    Note note{Note::Kind::Deallocation, statement.id};
    note.sent_as = empty_statement;
    note.name = name;
    note.number = statement.number;
    note.look = statement.look;
    note.bytes = statement.bytes;
    return note;
}

session::Backslashes Core::backslashes(const session::Origin& origin) const {
    const bool are_plain = values_.text(origin.settings[session::conforming_index]) != "off";
    return are_plain ? session::Backslashes::Plain : session::Backslashes::Escape;
}

// In the extended protocol a command that names a statement is parsed at one time, bound at another
// and carried out at a third: what its name stands for is looked at each time, as PostgreSQL does.
StatementCommand Core::command_in(std::string_view definition, const session::Origin& origin)
    const {
    if (!session::may_name_statements(definition)) return {};
    const std::string_view text = definition.substr(0, definition.find('\0'));
    return session::command_in(text, backslashes(origin));
}

// What a command's name stands for at this moment. A command that executes another is sent as it is
// written: what names itself has no end.
StatementId Core::meant_by(const Client& client, const StatementCommand& command) const {
    if (!command.names_one() || client.statements == nullptr) return no_statement;
    const session::StatementName known = client.statements->find(command.name);
    if (known.id == no_statement) return no_statement;
    if (command.kind != StatementCommand::Kind::Execute) return empty_statement;
    return known.look.names_statement ? no_statement : known.id;
}

std::string Core::as_sent(std::string_view definition, const session::Origin& origin) const {
    const session::ServerStatementName name(name_prefix_, origin.named);
    return session::definition_naming(definition, command_in(definition, origin), name.text());
}

// Before a use of the client's statement of this name, which names another: what that one's name
// stands for may have changed. False if this depends on answers that are still owed.
bool Core::renew_meaning(
    Client& client,
    Server& server,
    std::string_view name,
    session::StatementName& statement,
    session::TextLook& look,
    BoundCommand& bound
) {
    const bool is_unnamed = name.empty();
    const session::Origin& origin =
        is_unnamed ? client.unnamed->now.origin : statements_.origin(statement.id);
    const std::string_view definition =
        is_unnamed ? client.unnamed->now.definition : statements_.definition(statement.id);
    bound.command = command_in(definition, origin);
    bound.sent_as = meant_by(client, bound.command);
    if (depends_on_open(server, bound.command.name, bound.sent_as)) return false;
    if (bound.sent_as != no_statement) {
        bound.shift = session::shift_of(
            definition,
            bound.command,
            session::ServerStatementName(name_prefix_, bound.sent_as).text()
        );
        if (bound.command.kind == StatementCommand::Kind::Execute)
            look.add(client.statements->find(bound.command.name).look);
        prepare_on(client, server, bound.sent_as);
    }
    if (origin.named == bound.sent_as) return true;
    if (is_unnamed) {
        statements_.add_reference(bound.sent_as);
        statements_.release(std::exchange(client.unnamed->now.origin.named, bound.sent_as));
        server.unnamed_owner = {};  // that is another's
        return true;
    }
    session::Origin renewed = origin;
    renewed.named = bound.sent_as;
    const StatementId before =
        client.statements->change(name, statements_.add(std::string(definition), renewed));
    statement.id = client.statements->find(name).id;
    for (Note& note : server.notes) {
        if (note.kind != Note::Kind::ClientParse || note.number != statement.number ||
            note.holds_statement)
            continue;
        note.holds_statement = true;
        return true;
    }
    statements_.release(before);
    return true;
}

// What Execute must know of the portal that was bound.
void Core::note_command(
    Client& client, std::string_view portal, BoundCommand&& bound, session::TextLook look
) {
    if (client.bound_commands == nullptr)
        client.bound_commands = std::make_unique<session::StringMap<BoundCommand>>();
    bound.look = look;
    if (look.names_statement || look.hides_deallocation) {
        client.bound_commands->insert_or_assign(std::string(portal), std::move(bound));
    } else if (const auto before = client.bound_commands->find(portal);
               before != client.bound_commands->end()) {
        client.bound_commands->erase(before);
    }
}

// Execute of a portal whose statement names another, or hides what becomes of them.
Core::Next Core::execute_command(
    Client& client, Server& server, const wire::Frame& frame, Expected& entry
) {
    if (!frame.is_whole()) return Next::NeedMore;
    wire::ByteReader reader(frame.body);
    const auto found = client.bound_commands->find(reader.c_string());
    if (found == client.bound_commands->end()) {
        expect(server, entry);
        return Next::Continue;
    }
    const BoundCommand& bound = found->second;
    const std::string& name = bound.command.name;
    entry.look = bound.look;
    if (bound.command.kind == StatementCommand::Kind::DeallocateAll) {
        Note note{Note::Kind::AllGone};
        note.all = std::make_unique<AllStatements>();
        if (client.statements != nullptr) note.all->names = client.statements->take_all();
        note.all->on_server = std::exchange(server.statements, session::ServerStatements{});
        expect_noted(server, entry, std::move(note));
        return Next::Continue;
    }
    if (bound.sent_as == no_statement) {
        expect(server, entry);
        return Next::Continue;
    }
    session::StatementName known;
    if (client.statements != nullptr) known = client.statements->find(name);
    if (depends_on_open(server, name, bound.sent_as)) return stall(client);
    Note note = renamed_note(bound.sent_as, name);
    const bool is_deallocation = bound.command.kind == StatementCommand::Kind::Deallocate;
    if (known.id == no_statement && bound.command.kind != StatementCommand::Kind::Prepare) {
        // It must fail.
        if (server.statements.has(bound.sent_as)) close_on(server, bound.sent_as);
    } else if (is_deallocation) {
        note = deallocation(client, server, name);
    } else {
        prepare_on(client, server, bound.sent_as);
    }
    note.shifts.push_back(bound.shift);
    expect_noted(server, entry, std::move(note));
    return Next::Continue;
}

// The end of a transaction takes back what was SET in it.
bool Core::may_change_settings(const Server& server, session::TextLook look, std::string_view sql)
    const {
    return look.sets || (!server.changed.is_empty() && session::is_exit(sql));
}

// A command that changes parameters is on its way: what is parsed behind it, PostgreSQL may read
// otherwise. The same commands have the same effect, so they give the same number.
void Core::note_settings(Server& server, std::string_view sql) {
    sql = sql.substr(0, sql.find('\0'));
    if (!session::alters_reading(sql)) return;
    server.alteration = (server.alteration * 31 + std::hash<std::string_view>{}(sql)) | 1;
}

wire::ErrorText Core::refusal_text(session::Refusal refusal) {
    switch (refusal) {
        case session::Refusal::ClientBytes:
            return {
                wire::Severity::Error,
                wire::sql_state::program_limit_exceeded,
                "the message needs more memory than a client may take: it was not executed",
                "Its texts and those of the client's prepared statements are kept.",
                "limits.maxClientBytes is the limit."};
        case session::Refusal::Memory:
            return {
                wire::Severity::Error,
                wire::sql_state::out_of_memory,
                "the proxy has no memory left for the message: it was not executed",
                {},
                "limits.maxMemoryBytes is the limit, for all clients together."};
        case session::Refusal::Listen:
        case session::Refusal::None:
            break;
    }
    // Nobody would be there to hear a notification.
    return {
        wire::Severity::Error,
        wire::sql_state::feature_not_supported,
        "LISTEN is not possible in pool mode Transaction",
        "A notification comes to the server connection that listens, and this client has one only "
        "during its transactions.",
        "Listen on a direct connection to the database, or through a pool whose poolMode is "
        "Session."};
}

// Requires: the client has the server, which does not skip to a Sync.
void Core::refuse_on(Server& server, Expect kind, std::uint32_t owner, session::Refusal refusal) {
    std::string out;
    if (kind != Expect::Query) server.hold.set(session::HoldReason::Unsynced);
    if (kind == Expect::Query) {
        wire::write_query(out, refused_text);
    } else {
        wire::MessageWriter(out, wire::Frontend::Parse)
            .c_string("penstock_refused")
            .c_string(refused_text)
            .u16(0);
    }
    send_copy(server.link, out);
    session::Expected entry;
    entry.kind = kind;
    entry.owner = owner;
    entry.refusal = refusal;
    expect(server, entry);
}

}  // namespace penstock::proxy
