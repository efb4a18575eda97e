// Bytes of a logged-in server.
#include "crds/api/check.hpp"
#include "dataplane/proxy/core.hpp"
#include "dataplane/session/command_tag.hpp"
#include "dataplane/wire/writer.hpp"

#include <algorithm>
#include <utility>

namespace penstock::proxy {
namespace {

using session::Command;
using session::Expect;
using session::HoldReason;
using session::ReplyQueue;
using wire::Backend;
using wire::TransactionStatus;

// A server's message may be longer than what clients are allowed: PostgreSQL's own bound.
constexpr std::size_t server_body_max = 0x7fffffff - 4;

// Is what the server works on a text whose positions are not the client's?
bool is_shifted(const Server& server) {
    return !server.replies.is_empty() && server.replies.head().has_note &&
           !server.notes.front().shifts.empty();
}

}  // namespace

void Core::server_bytes(Server& server, std::string_view bytes) {
    const std::string_view chunk = open_stash(server.stash, bytes, server.stash_needed);
    if (chunk.empty()) return;
    server.stash_needed = 0;
    const LinkId link = server.link;
    wire::FrameCursor cursor(chunk, server_body_max);
    while (!cursor.is_empty()) {
        if (server.body != Body::None) {
            const std::string_view part = cursor.rest().substr(0, server.body_missing);
            if (server.body == Body::Forward) to_client(server, part);
            if (server.body == Body::Withhold) withhold(server, part);
            cursor.skip(part.size());
            server.body_missing -= part.size();
            if (server.body_missing > 0) return;
            server.body = Body::None;
            continue;
        }
        wire::Frame frame;
        const wire::FrameResult result = cursor.next(frame);
        if (result == wire::FrameResult::NeedHeader) {
            server.stash_needed = wire::header_bytes;
            return keep_stash(server.stash, cursor.rest());
        }
        if (result == wire::FrameResult::BadLength) {
            return server_broke(server, "the database sent a message of impossible length");
        }
        switch (server_frame(server, frame)) {
            case Next::NeedMore:
                server.stash_needed = frame.all.size() + frame.missing;
                return keep_stash(server.stash, cursor.rest());
            case Next::Wait:
            case Next::Gone:
                return;
            case Next::Continue:
                break;
        }
        cursor.take(frame);
        server.body_missing = frame.missing;
        if (frame.is_whole()) server.body = Body::None;
        // A server that was released and closed in this turn has nothing more to say.
        if (server_at(link) == nullptr || server.state == ServerState::Closing) return;
        if (server.may_end_stall && server.body_missing == 0) {
            server.may_end_stall = false;
            Client* const client = owner_of(server);
            if (client != nullptr && client->is_stalled) end_stall(*client);
            if (server_at(link) == nullptr || server.state == ServerState::Closing) return;
        }
    }
}

Core::Next Core::server_frame(Server& server, const wire::Frame& frame) {
    const auto type = static_cast<Backend>(frame.type);
    switch (type) {
        case Backend::NoticeResponse:
        case Backend::NotificationResponse:
        case Backend::ParameterStatus:
            return asynchronous(server, frame);
        case Backend::ErrorResponse:
            return error_response(server, frame);
        case Backend::ReadyForQuery:
            return ready_for_query(server, frame);
        case Backend::CommandComplete:
            if (!frame.is_whole()) return Next::NeedMore;
            break;
        default:
            break;
    }
    const ReplyQueue::Match match = server.replies.match(type);
    if (match.verdict == ReplyQueue::Verdict::Unexpected) {
        server_broke(server, "the database sent a message that was not asked for");
        return Next::Gone;
    }
    if (type == Backend::CopyInResponse) send_withheld(server);
    if (type == Backend::DataRow && (match.entry.is_look || match.entry.look.shows_name)) {
        if (!frame.is_whole()) return Next::NeedMore;
        server.body = Body::Drop;
        wire::ByteReader reader(frame.body);
        reader.u16();
        if (!match.entry.is_look) {
            show_name(server);
            return Next::Continue;
        }
        // What is there is never empty. (NULL has a length of -1.)
        const std::uint32_t size = reader.u32();
        server.seen_fingerprint = "=";
        if (size <= frame.body.size()) server.seen_fingerprint.append(reader.take(size));
        return Next::Continue;
    }
    const bool is_whole_reply = match.verdict == ReplyQueue::Verdict::Completes;
    if (is_whole_reply && match.entry.has_note) settle_note(server);
    if (is_whole_reply && match.entry.version != 0) settle_version(server, match.entry);
    if (match.entry.is_swallowed) {
        server.body = Body::Drop;
    } else if (match.entry.is_unasked && type != Backend::CopyInResponse) {
        withhold(server, frame.all);
        server.body = Body::Withhold;
    } else {
        to_client(server, frame.all);
        server.body = Body::Forward;
    }
    const bool is_row = type == Backend::DataRow || type == Backend::RowDescription;
    if (is_row && !match.entry.is_swallowed) server.has_rows = true;
    // What ours does was counted when it was sent.
    if (type == Backend::CommandComplete && !match.entry.is_swallowed)
        command_complete(server, frame.body.substr(0, frame.body.find('\0')), match.entry);
    if (type == Backend::CopyInResponse) {
        server.replies.copy_in_started();
        server.may_end_stall = true;
        // The Syncs behind the Execute were ignored with the COPY's data.
        const bool is_unsynced =
            match.entry.kind == Expect::Execute && server.replies.is_unsynced();
        if (is_unsynced) server.hold.set(HoldReason::Unsynced);
        const Client* const client = owner_of(server);
        const bool is_without_data = client == nullptr || client->is_leaving;
        if (is_without_data && server.replies.is_copy_in()) {
            end_copy_in(server);
            if (is_unsynced) {
                server.hold.clear(HoldReason::Unsynced);
                inject_sync(server);
            }
        }
    }
    if (type == Backend::CopyBothResponse) server.is_copy_both = true;
    return Next::Continue;
}

void Core::command_complete(Server& server, std::string_view tag, const session::Expected& entry) {
    const bool has_rows = std::exchange(server.has_rows, false);
    const Command command = session::command_of(tag);
    const bool is_discard = command == Command::DiscardAll;
    if (entry.look.sets || command == Command::Set) server.has_set = true;
    if (is_discard || command == Command::Reset) server.has_reset = true;
    if (pool_of(server).key.mode != PoolMode::Transaction) return;
    if (is_discard || command == Command::DeallocateAll || entry.look.hides_deallocation) {
        forget_statements(server);
        // Of what is hidden it is not known whether it was all.
        server.prepared_by_sql = entry.look.hides_deallocation ? 1 : 0;
    } else if (command == Command::Prepare) {
        ++server.prepared_by_sql;
    } else if (command == Command::Deallocate && !is_deallocation_of_ours(server, entry) && server.prepared_by_sql > 0) {
        --server.prepared_by_sql;
    }
    const bool changes_settings =
        command == Command::Set || command == Command::Reset || command == Command::End;
    if (changes_settings) {
        // What is parsed behind it in the same batch is read by settings that were not known when
        // it was sent: nobody else may have it.
        for (const Note& note : server.notes) {
            if (note.kind == Note::Kind::ClientParse || note.kind == Note::Kind::ServerParse)
                server.tainted.push_back(note.statement);
        }
    }
    if (is_discard) server.traces = {};
    server.traces.add(session::traces_of_tag(tag, entry.look, has_rows));
}

// The server's application_name has our tag; the client's own has none.
void Core::show_name(Server& server) {
    const Client* const client = owner_of(server);
    if (client == nullptr) return;
    const std::string_view name = values_.text(client->name);
    std::string out;
    wire::MessageWriter(out, Backend::DataRow)
        .u16(1)
        .u32(static_cast<std::uint32_t>(name.size()))
        .bytes(name);
    send_copy(client->link, out);
}

Core::Next Core::asynchronous(Server& server, const wire::Frame& frame) {
    const auto type = static_cast<Backend>(frame.type);
    if (type == Backend::ParameterStatus) {
        if (!frame.is_whole()) return Next::NeedMore;
        parameter_status(server, frame);
        return Next::Continue;
    }
    // Notices of our own messages, and whatever comes for nobody, reach nobody.
    const bool is_ours = !server.replies.is_empty() && server.replies.head().is_swallowed;
    server.body = Body::Drop;
    if (is_ours && type == Backend::NoticeResponse) return Next::Continue;
    if (type == Backend::NotificationResponse &&
        pool_of(server).key.mode == PoolMode::Transaction) {
        // No client of this mode listens: what does was hidden in a function.
        if (!is_ours) server.traces.add(session::Trace::Channels);
        return Next::Continue;
    }
    if (type == Backend::NoticeResponse) {
        if (is_shifted(server)) {
            if (!frame.is_whole()) return Next::NeedMore;
            std::string out;
            const wire::ErrorRenaming renaming{.shifts = server.notes.front().shifts};
            wire::write_error_renamed(out, frame.body, renaming, type);
            to_client(server, arena_.copy(out));
            return Next::Continue;
        }
        send_withheld(server);
    }
    if (server.client != no_slot) {
        to_client(server, frame.all);
        server.body = Body::Forward;
    }
    return Next::Continue;
}

Core::Next Core::error_response(Server& server, const wire::Frame& frame) {
    if (!frame.is_whole()) return Next::NeedMore;
    server.body = Body::Drop;
    const wire::ErrorFields error = wire::read_error(frame.body);
    if (error.is_fatal()) {
        // PostgreSQL closes behind it; the client hears it in PostgreSQL's own words.
        server_fatal(server, frame.all);
        return Next::Gone;
    }
    skipped_.clear();
    const ReplyQueue::Match match = server.replies.fail(skipped_);
    if (match.verdict == ReplyQueue::Verdict::Unexpected) {
        server_broke(server, "the database reported an error that nothing had caused");
        return Next::Gone;
    }
    const bool ends_in_ready = match.verdict == ReplyQueue::Verdict::Within;
    if (ends_in_ready && match.entry.is_swallowed) {
        return injected_query_failed(server, error, match.entry);
    }
    if (match.entry.is_swallowed && match.entry.is_replay) {
        // No client sees it. A cancel was meant for what ended before it came.
        if (error.sql_state == wire::sql_state::query_canceled) server.repeats_own = true;
        return Next::Continue;
    }
    const session::ClientStatements::Found meant =
        meant_by_error(server, match.entry, error.message);
    if (match.entry.kind != Expect::Abort) {
        send_withheld(server);
        error_to_client(server, frame, error, match.entry, meant);
    }
    const session::StatementId statement = meant.id;
    if (!ends_in_ready) {
        undo(server, skipped_);
    } else if (match.entry.has_note) {
        server.notes.front().is_failed = true;  // until its ReadyForQuery
    }
    // The client knows only of its Query, which is answered with ReadyForQuery.
    const bool owes_ready = match.entry.is_swallowed && !ends_in_ready &&
                            std::ranges::any_of(skipped_, [](const session::Expected& entry) {
                                return entry.kind == Expect::Query && entry.has_note;
                            });
    if (owes_ready) answer_with_ready(server);
    learn_from(server, error, match.entry, statement);
    if (server.replies.is_uncertain()) server.closes_when_free = true;
    // What was to be answered first may have been discarded, and what ends that be stalled.
    if (server.state == ServerState::Linked && !server.replies.owes_ready()) {
        server.is_settling = false;
        Client& client = clients_.at(server.client);
        if (client.is_stalled && server.notes_synced == 0) end_stall(client);
    }
    return Next::Continue;
}

// Where PostgreSQL names the statement, the client hears the name that it said.
void Core::error_to_client(
    Server& server,
    const wire::Frame& frame,
    const wire::ErrorFields& error,
    const session::Expected& entry,
    const session::ClientStatements::Found& meant
) {
    const bool is_refused = entry.refusal != session::Refusal::None;
    if (is_refused && error.sql_state != wire::sql_state::in_failed_transaction) {
        std::string out;
        wire::write_error(out, refusal_text(entry.refusal));
        return to_client(server, arena_.copy(out));
    }
    const std::string_view state = error.sql_state;
    const bool names_it =
        !meant.name.empty() &&
        (state == wire::sql_state::invalid_sql_statement_name ||
         state == wire::sql_state::duplicate_prepared_statement ||
         state == wire::sql_state::protocol_violation || state == wire::sql_state::syntax_error);
    const bool is_shifted = entry.has_note && !server.notes.front().shifts.empty();
    if (!names_it && !is_shifted) return to_client(server, frame.all);
    std::string out;
    const session::ServerStatementName ours(name_prefix_, meant.id);
    wire::ErrorRenaming renaming;
    if (names_it) renaming = {ours.text(), meant.name};
    if (is_shifted) renaming.shifts = server.notes.front().shifts;
    wire::write_error_renamed(out, frame.body, renaming);
    to_client(server, arena_.copy(out));
}

void Core::answer_with_ready(Server& server) {
    std::string out;
    wire::write_sync(out);
    send_copy(server.link, out);
    session::Expected entry;
    entry.kind = Expect::Sync;
    entry.owner = server.client;
    expect(server, entry);
}

// A message for the unnamed statement was carried out.
void Core::settle_version(Server& server, const session::Expected& entry) {
    if (entry.kind == Expect::Bind || entry.kind == Expect::DescribeStatement) return;
    Client* const client = owner_of(server);
    if (client == nullptr || client->unnamed == nullptr) return;
    settle_unnamed(*client->unnamed, entry.version);
}

// A parameter of the client's could not be set, or the server could not be cleaned.
Core::Next Core::injected_query_failed(
    Server& server, const wire::ErrorFields& error, const session::Expected& entry
) {
    if (entry.is_look) return Next::Continue;  // ReadyForQuery follows
    Client* const client = owner_of(server);
    const bool is_mid_message =
        client != nullptr && client->body == Body::Forward && client->body_missing > 0;
    if (client == nullptr || !entry.is_replay || is_mid_message) {
        // It is no longer what it should be.
        close_server(server);
        if (client != nullptr) replay_failed(*client, server, error);
        return Next::Gone;
    }
    // It fails alone. Of the server nothing is assumed: its settings are reset.
    const bool is_probe = client->probed != nullptr;
    server.traces.add(session::Trace::Settings);
    replay_failed(*client, server, error);
    clean(server, is_probe ? Leaving::Orderly : Leaving::CutOff);
    return Next::Continue;
}

Core::Next Core::ready_for_query(Server& server, const wire::Frame& frame) {
    if (!frame.is_whole()) return Next::NeedMore;
    const ReplyQueue::Match match = server.replies.match(Backend::ReadyForQuery);
    if (match.verdict != ReplyQueue::Verdict::Completes || frame.body.size() != 1) {
        server_broke(server, "the database was ready for a query when it still owed an answer");
        return Next::Gone;
    }
    server.body = Body::Drop;
    server.status = static_cast<TransactionStatus>(frame.body.front());
    server.is_copy_both = false;
    if (!match.entry.is_swallowed) {
        to_client(server, frame.all);
        metrics_.queries.add();
        metrics_.query.add(now_ - server.query_since);
    }
    server.query_since = now_;
    if (match.entry.has_note) settle_note(server);
    if (match.entry.is_replay && match.entry.kind == Expect::Query) take_over_parameters(server);
    const std::uint32_t look = match.entry.is_look ? server.look : 0;
    if (look != 0) looked(server);
    if (server.is_judged && server.state == ServerState::Cleaning) {
        server.is_judged = false;
        judge_changes(server);
    }
    server.hold.set(HoldReason::Transaction, server.status != TransactionStatus::Idle);
    // A simple Query ends an extended batch that stands before it, as a Sync does.
    if (match.entry.kind != Expect::Sync && server.hold.has(HoldReason::Unsynced))
        server.hold.set(HoldReason::Unsynced, server.replies.is_unsynced());
    if (server.cancel_when_own_ends && !is_running_own_request(server)) {
        server.cancel_when_own_ends = false;
        if (!server.replies.is_empty()) start_cancel(server, {}, worker_);
    }
    if (server.state == ServerState::Cleaning) {
        Pool& pool = pool_of(server);
        if (server.replies.is_empty()) clean_on(server);
        if (look != 0) welcome_looked(pool, look);
    } else if (server.state == ServerState::Linked) {
        Client& client = clients_.at(server.client);
        if (!server.replies.owes_ready()) server.is_settling = false;
        if (server.status == TransactionStatus::Idle && !match.entry.is_swallowed) {
            const bool is_reset = server.has_reset && pool_of(server).key.mode == PoolMode::Session;
            if (!server.changed.is_empty()) learn_asked(client, server);
            server.has_set = server.has_reset = false;
            if (is_reset) set_back(client, server);
        }
        if (server.repeats_own && server.replies.is_empty()) repeat_own(client, server);
        if (server.is_untagged) tag_again(client, server);
        if (client.is_stalled && server.notes_synced == 0) end_stall(client);
        if (server.state == ServerState::Linked) release_if_free(server);
    }
    return Next::Continue;
}

void Core::to_client(Server& server, std::string_view bytes) {
    if (server.client == no_slot) return nobody_reads(server, bytes.size());
    send(clients_.at(server.client).link, bytes);
}

// The client is gone. PostgreSQL stops what it runs when a reply cannot be sent.
void Core::nobody_reads(Server& server, std::size_t bytes) {
    constexpr std::size_t unread_bytes_max = 64 * 1024;
    if (server.state != ServerState::Cleaning || server.was_cancelled) return;
    server.unread_bytes += bytes;
    if (server.unread_bytes < unread_bytes_max) return;
    server.was_cancelled = true;
    start_cancel(server, {}, worker_);
}

// PostgreSQL keeps replies back up to the size of its buffer until a Flush or Sync, an error, a
// notice or COPY IN makes it send them; at the end of the stream they are dropped.
void Core::withhold(Server& server, std::string_view bytes) {
    constexpr std::size_t postgresql_buffer_bytes = 8'192;
    Client* const client = owner_of(server);
    if (client == nullptr) return;
    if (client->withheld == nullptr) client->withheld = std::make_unique<std::string>();
    client->withheld->append(bytes);
    if (client->withheld->size() >= postgresql_buffer_bytes) send_withheld(server);
}

void Core::send_withheld(Server& server) {
    Client* const client = owner_of(server);
    if (client == nullptr || client->withheld == nullptr) return;
    send_copy(client->link, *client->withheld);
    client->withheld->clear();
}

// The server said FATAL: its client gets the words, then both are gone.
void Core::server_fatal(Server& server, std::string_view message) {
    server.replies.clear();  // it will answer nothing more, and there is nothing to cancel
    close_server(server);
    if (Client* client = owner_of(server)) {
        send(client->link, message);
        act(ActionKind::Close, client->link);
        leave(*client, Leaving::CutOff);
    }
}

void Core::server_broke(Server& server, std::string_view what) {
    close_server(server);
    if (Client* client = owner_of(server)) {
        fail_client(*client, {wire::Severity::Fatal, wire::sql_state::protocol_violation, what});
    }
}

Client* Core::owner_of(Server& server) {
    return server.client == no_slot ? nullptr : &clients_.at(server.client);
}

}  // namespace penstock::proxy
