// SQL about prepared statements in pool mode Transaction: DEALLOCATE, EXECUTE and PREPARE with a
// name that the client prepared by the protocol. The name is changed on the way, as in Bind, and
// nothing else is; what an error says of it is changed back. And LISTEN, which is refused there.
//
// Such a command waits for what is owed, and all that the client sends behind it waits for the
// command: the order of answers decides what a name stands for.
#include "dataplane/proxy/core.hpp"
#include "dataplane/wire/writer.hpp"

#include <functional>

namespace penstock::proxy {
namespace {

using session::empty_statement;
using session::Expect;
using session::Expected;
using session::HoldReason;
using session::StatementCommand;
using session::StatementId;

// Fails in a failed transaction with 25P02, else with an error for which the client gets ours. The
// name is for the server's log.
constexpr std::string_view refused_text = "SELECT penstock_refused_this_message()";

// Of UTF-8; each byte of another encoding counts.
std::int32_t characters(std::string_view text) {
    std::int32_t count = 0;
    for (const char c : text) {
        if ((static_cast<unsigned char>(c) & 0xc0) != 0x80) ++count;
    }
    return count;
}

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

// A simple Query. Returns Continue without having sent anything if the command is none of ours.
Core::Next Core::statement_command(
    Client& client,
    Server& server,
    const wire::Frame& frame,
    const StatementCommand& command,
    Expected& entry,
    bool& is_sent
) {
    if (must_settle(server)) return stall(client);
    settle_first(server);
    // PostgreSQL looks at no name in a failed transaction.
    const bool is_failed = server.status == wire::TransactionStatus::Failed;
    if (is_failed || client.statements == nullptr) return Next::Continue;
    const session::StatementName statement = client.statements->find(command.name);
    if (statement.id == session::no_statement) return Next::Continue;

    Note note = renamed_note(statement.id, command.name);
    switch (command.kind) {
        case StatementCommand::Kind::Deallocate:
            note = deallocation(client, server, command.name);
            break;
        case StatementCommand::Kind::Prepare:
            // It must fail, with 42P05 unless its text is at fault before that.
            prepare_on(client, server, empty_statement);
            note.sent_as = empty_statement;
            break;
        case StatementCommand::Kind::Execute:
            prepare_on(client, server, statement.id);
            break;
        default:
            return Next::Continue;
    }
    const session::ServerStatementName name(name_prefix_, note.sent_as);
    const std::string_view text = frame.body;
    note.shift_behind = characters(text.substr(0, command.name_at));
    note.shift = static_cast<std::int32_t>(name.text().size()) -
                 characters(text.substr(command.name_at, command.name_size));
    std::string out;
    wire::MessageWriter(out, wire::Frontend::Query)
        .bytes(text.substr(0, command.name_at))
        .bytes(name.text())
        .bytes(text.substr(command.name_at + command.name_size));
    entry.version = end_unnamed(client, server);
    server.has_unnamed = false;
    send_copy(server.link, out);
    expect_noted(server, entry, std::move(note));
    is_sent = true;
    return Next::Continue;
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
    return note;
}

// In the extended protocol the command is parsed at one time and carried out at another: what the
// name stands for is known at Execute.
std::string Core::sent_in_place_of(
    const Client& client, std::string_view sql, std::string& deallocates
) const {
    if (client.statements == nullptr || !session::may_be_command(sql)) return {};
    const StatementCommand command = session::command_in(sql);
    if (command.kind != StatementCommand::Kind::Deallocate) return {};
    if (client.statements->find(command.name).id == session::no_statement) return {};
    deallocates = command.name;
    std::string sent(sql.substr(0, command.name_at));
    sent += session::ServerStatementName(name_prefix_, empty_statement).text();
    sent += sql.substr(command.name_at + command.name_size);
    return sent;
}

void Core::execute_deallocation(Client& client, Server& server, const Expected& entry) {
    const std::string& name = *client.deallocates;
    const bool is_known =
        client.statements != nullptr && client.statements->find(name).id != session::no_statement;
    if (is_known) return expect_noted(server, entry, deallocation(client, server, name));
    // It must fail.
    if (server.statements.has(empty_statement)) close_on(server, empty_statement);
    expect_noted(server, entry, renamed_note(empty_statement, name));
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
