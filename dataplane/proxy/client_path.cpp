// Bytes of a logged-in client.
#include "crds/api/check.hpp"
#include "dataplane/proxy/core.hpp"
#include "dataplane/wire/writer.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace penstock::proxy {
namespace {

using session::Expect;
using session::HoldReason;
using wire::Frontend;

// A waiting client's requests are kept up to here; then it is not read until it has a server.
constexpr std::size_t waiting_bytes_max = 64 * 1024;

// A Query up to here is looked at as a whole; of a longer one what arrives first.
constexpr std::size_t looked_at_whole_max = 8 * 1024;

bool is_small_and_partial(const wire::Frame& frame) {
    return !frame.is_whole() && frame.body.size() + frame.missing <= looked_at_whole_max;
}

bool is_answered_with_ready(Frontend type) {
    return type == Frontend::Query || type == Frontend::FunctionCall;
}

bool is_of_copy(Frontend type) {
    return type == Frontend::CopyData || type == Frontend::CopyDone || type == Frontend::CopyFail;
}

// PostgreSQL's own limit for messages that carry a name at most (PQ_SMALL_MESSAGE_LIMIT).
constexpr std::size_t small_message_max = 10'000;

enum class Size : std::uint8_t { NoMessage, Small, Any };

// By the type's byte: every message of a client is looked up.
constexpr auto sizes = [] {
    std::array<Size, 256> by_type{};
    for (std::size_t i = 0; i < by_type.size(); ++i) {
        if (wire::is_frontend_type(static_cast<char>(i))) by_type[i] = Size::Any;
    }
    for (const Frontend type :
         {Frontend::Close,
          Frontend::Describe,
          Frontend::Execute,
          Frontend::Flush,
          Frontend::Sync,
          Frontend::Terminate,
          Frontend::CopyDone,
          Frontend::CopyFail})
        by_type[static_cast<unsigned char>(type)] = Size::Small;
    return by_type;
}();

// Bind names a portal and a statement at its front; the rest is never looked at.
bool has_both_names(std::string_view body) {
    wire::ByteReader reader(body);
    reader.c_string();
    reader.c_string();
    return reader.ok();
}

}  // namespace

void Core::client_bytes(Client& client, std::string_view bytes) {
    if (client.has_ended) return;
    client.active_at = client.state == ClientState::Waiting ? client.active_at : now_;
    if (waits(client)) return append_stash(client, bytes);
    const std::string_view chunk = open_stash(client.stash, bytes, client.stash_needed);
    if (!chunk.empty()) return run_client(client, chunk);
    stop_growing_if_short(client);
}

// It waits: what it sends is kept up to a bound, then it is not read until it waits no longer.
void Core::append_stash(Client& client, std::string_view bytes) {
    if (client.stash == nullptr) client.stash = spare_stash();
    client.stash->append(bytes);
    stash_bytes_ += static_cast<std::int64_t>(bytes.size());
    if (client.reads_paused) return;
    if (client.stash->size() <= waiting_bytes_max && !is_memory_short(0)) return;
    client.reads_paused = true;
    act(ActionKind::PauseReads, client.link);
}

// After a wait: the end of the client's stream may be behind these bytes already.
void Core::run_on(Client& client, std::string_view chunk) {
    const LinkId link = client.link;
    run_client(client, chunk);
    Client* const still = client_at(link);
    if (still != nullptr && still->has_ended && !still->is_leaving) end_stream(*still);
}

void Core::run_client(Client& client, std::string_view chunk) {
    client.stash_needed = 0;
    bool ended_body = false;
    wire::FrameCursor cursor(chunk, settings_->message_bytes_max);
    while (!cursor.is_empty()) {
        if (client.body != Body::None) {
            const std::string_view part = cursor.rest().substr(0, client.body_missing);
            if (client.body == Body::Forward) send(servers_.at(client.server).link, part);
            cursor.skip(part.size());
            client.body_missing -= part.size();
            if (client.body_missing > 0) return;
            if (client.body == Body::Forward) ended_body = true;
            client.body = Body::None;
            continue;
        }
        wire::Frame frame;
        const wire::FrameResult result = cursor.next(frame);
        if (result == wire::FrameResult::NeedHeader) {
            client.stash_needed = wire::header_bytes;
            keep_stash(client.stash, cursor.rest());
            break;
        }
        const Size size = sizes[static_cast<unsigned char>(frame.type)];
        const bool is_too_long =
            size == Size::Small && frame.body.size() + frame.missing > small_message_max;
        if (result == wire::FrameResult::BadLength || is_too_long) {
            return break_off(client, "invalid message length");
        }
        if (size == Size::NoMessage) {
            const std::string text = "invalid frontend message type " +
                                     std::to_string(static_cast<unsigned char>(frame.type));
            return break_off(client, text);
        }
        switch (client_frame(client, frame)) {
            case Next::Gone:
                return;
            case Next::Wait:
                return keep_stash(client.stash, cursor.rest());
            case Next::NeedMore: {
                std::size_t needed = frame.all.size() + frame.missing;
                // Of a Bind only its names are waited for, and never looked for more often than its
                // bytes double.
                if (static_cast<Frontend>(frame.type) == Frontend::Bind)
                    needed = std::min(needed, 2 * frame.all.size());
                if (!has_room_for(client, frame, needed)) break;
                client.stash_needed = needed;
                return keep_stash(client.stash, cursor.rest());
            }
            case Next::Continue:
                break;
        }
        cursor.take(frame);
        client.body_missing = frame.missing;
        if (frame.is_whole()) client.body = Body::None;
    }
    if (ended_body && client.server != no_slot) release_if_free(servers_.at(client.server));
}

// Sets client.body to what becomes of the part of the frame that has not arrived.
Core::Next Core::client_frame(Client& client, const wire::Frame& frame) {
    client.body = Body::Drop;
    if (client.state != ClientState::Linked) return frame_without_server(client, frame);
    return forward_frame(client, servers_.at(client.server), frame);
}

Core::Next Core::frame_without_server(Client& client, const wire::Frame& frame) {
    const auto type = static_cast<Frontend>(frame.type);
    switch (type) {
        case Frontend::Terminate:
            return end_stream(client);
        case Frontend::Sync: {
            // Nothing is owed and nothing was begun: PostgreSQL would say just this.
            std::string out;
            wire::write_ready_for_query(out, wire::TransactionStatus::Idle);
            send_copy(client.link, out);
            client.skips_to_sync = false;
            return Next::Continue;
        }
        case Frontend::CopyData:
        case Frontend::CopyDone:
        case Frontend::CopyFail:
        case Frontend::Flush:
            return Next::Continue;  // nothing to flush; PostgreSQL ignores COPY data outside COPY
        case Frontend::Parse:
        case Frontend::Describe:
        case Frontend::Close:
            if (!frame.is_whole()) return Next::NeedMore;
            break;
        case Frontend::Bind:
            if (!has_both_names(frame.body) && !frame.is_whole()) return Next::NeedMore;
            break;
        case Frontend::Query:
            if (is_small_and_partial(frame)) return Next::NeedMore;
            break;
        default:
            break;
    }
    if (client.skips_to_sync) return Next::Continue;
    if (is_draining_) return hand_off(client);
    if (Server* const server = acquire_idle(client)) return forward_frame(client, *server, frame);
    std::string detail;
    switch (acquire(client, detail)) {
        case Acquired::Waiting:
            return Next::Wait;
        case Acquired::Down:
            refuse(client, frame, down_text(pool_of(client).failure, detail));
            return Next::Continue;
        case Acquired::Refused:
            break;
    }
    refuse(
        client,
        frame,
        {wire::Severity::Error,
         wire::sql_state::too_many_connections,
         "the connection pool is overloaded: the transaction was refused before it began",
         detail,
         "Retry after the time given in the detail; the connection stays usable."}
    );
    return Next::Continue;
}

Core::Next Core::forward_frame(Client& client, Server& server, const wire::Frame& frame) {
    const auto type = static_cast<Frontend>(frame.type);
    if (is_draining_ && type != Frontend::Terminate && is_between_transactions(server))
        return hand_off(client);
    const bool tracks_statements = pool_of(server).key.tracks_statements;
    if (server.is_settling && !is_of_copy(type)) return stall(client);
    // What the server would discard need not be sent: it waits for a Sync.
    if (server.replies.skips_to_sync() && type != Frontend::Sync && type != Frontend::Terminate) {
        return Next::Continue;
    }
    switch (type) {
        case Frontend::Query:
            return simple_query(client, server, frame);
        case Frontend::FunctionCall:
            expect(server, Expect::FunctionCall, client.link.slot);
            break;
        case Frontend::Sync:
            // In mid-COPY the server ignores it, so what is under way stays unsynced.
            if (!server.replies.is_copy_in()) server.hold.clear(HoldReason::Unsynced);
            server.notes_synced = server.notes.size();
            // What it reports decides how a Parse behind it is read.
            if (std::exchange(server.has_set_in_batch, false) && !server.replies.is_copy_in())
                server.is_settling = true;
            expect(server, Expect::Sync, client.link.slot);
            break;
        case Frontend::Execute: {
            session::Expected entry;
            entry.kind = Expect::Execute;
            entry.owner = client.link.slot;
            if (frame.body.starts_with('\0')) entry.look = client.bound;
            if (client.bound_commands == nullptr) {
                expect(server, entry);
            } else {
                const Next next = execute_command(client, server, frame, entry);
                if (next != Next::Continue) return next;
            }
            server.hold.set(HoldReason::Unsynced);
            break;
        }
        case Frontend::CopyDone:
        case Frontend::CopyFail:
            expect(server, Expect::CopyEnd, client.link.slot);
            break;
        case Frontend::Parse:
            if (tracks_statements) return parse(client, server, frame);
            // Of the unnamed statement only; a name is not followed in this mode.
            if (frame.body.starts_with('\0'))
                client.parsed = session::look_at_definition(frame.body.substr(1));
            expect(server, Expect::Parse, client.link.slot);
            server.hold.set(HoldReason::Unsynced);
            break;
        case Frontend::Bind:
            if (tracks_statements) return bind(client, server, frame);
            client.bound = {};
            if (frame.body.starts_with(std::string_view("\0\0", 2))) client.bound = client.parsed;
            expect(server, Expect::Bind, client.link.slot);
            server.hold.set(HoldReason::Unsynced);
            break;
        case Frontend::Describe:
        case Frontend::Close:
            return describe_or_close(client, server, frame);
        case Frontend::Flush:
            server.replies.flushed();
            break;
        case Frontend::Terminate:
            return end_stream(client);
        default:
            break;
    }
    forward(client, server, frame);
    return Next::Continue;
}

Core::Next Core::simple_query(Client& client, Server& server, const wire::Frame& frame) {
    session::Expected entry;
    entry.kind = Expect::Query;
    entry.owner = client.link.slot;
    if (is_small_and_partial(frame)) return Next::NeedMore;
    std::string_view text = frame.body;
    if (text.ends_with('\0')) text.remove_suffix(1);
    entry.look = session::look_at(text, frame.is_whole());
    std::unique_ptr<NamedText> named;
    if (pool_of(server).key.mode == PoolMode::Transaction) {
        const bool may_name = session::may_name_statements(text) ||
                              (client.statements != nullptr && text.find(';') < text.size() - 1);
        if (may_name && frame.is_whole()) {
            const Next next = name_statements(client, server, text, entry, named);
            if (next != Next::Continue) return next;
        }
        server.traces.add(entry.look.calls);
        if (entry.look.sets) note_settings(server, text);
        // What it reports decides how a Parse behind it is read.
        if (may_change_settings(server, entry.look, text)) {
            settle_first(server);
            if (!server.is_settling) server.has_set_in_batch = true;
        }
    } else {
        entry.look.listens = false;
    }
    // Manual, "Extended Query": a simple Query destroys the unnamed statement.
    entry.version = end_unnamed(client, server);
    server.has_unnamed = false;
    if (entry.look.listens) {
        refuse_on(server, Expect::Query, client.link.slot, session::Refusal::Listen);
        return Next::Continue;
    }
    if (named != nullptr) {
        std::string out;
        wire::write_query(out, named->sent);
        send_copy(server.link, out);
        expect_noted(server, entry, std::move(named->note));
        return Next::Continue;
    }
    expect(server, entry);
    forward(client, server, frame);
    return Next::Continue;
}

void Core::forward(Client& client, Server& server, const wire::Frame& frame) {
    send(server.link, frame.all);
    client.body = Body::Forward;
}

void Core::expect(Server& server, Expect kind, std::uint32_t owner) {
    session::Expected entry;
    entry.kind = kind;
    entry.owner = owner;
    expect(server, entry);
}

void Core::expect(Server& server, const session::Expected& entry) {
    if (server.replies.is_empty()) {
        server.query_since = now_;
        const bool begins_transaction = server.client != no_slot &&
                                        server.hold.has(HoldReason::Session) &&
                                        server.status == wire::TransactionStatus::Idle;
        if (begins_transaction) clients_.at(server.client).held_since = now_;
    }
    server.replies.push(entry);
}

// The client's stream is at its end, by Terminate, by the end of the connection or by a message
// that cannot be. As at PostgreSQL, what stands whole before it is worked through first, and
// nothing else is done. To be called again when a wait is over.
Core::Next Core::end_stream(Client& client) {
    client.has_ended = true;
    switch (client.state) {
        case ClientState::LoggingIn:
            if (!client.is_cancelling && !client.login->is_deriving_keys) part(client);
            return Next::Gone;
        case ClientState::Idle:
            part(client);
            return Next::Gone;
        case ClientState::Welcoming:
        case ClientState::Waiting:
            return Next::Gone;
        case ClientState::Linked:
            break;
    }
    if (client.is_stalled || client.probed != nullptr) return Next::Gone;
    if (!gone_.empty() && is_gone(client.link)) {
        leave(client, Leaving::Orderly);
        return Next::Gone;
    }
    Server& server = servers_.at(client.server);
    const bool is_mid_message = client.body == Body::Forward && client.body_missing > 0;
    if (server.replies.is_empty() || server.state == ServerState::Closing) {
        part(client);
        return Next::Gone;
    }
    client.is_leaving = true;
    const bool is_unsynced = server.hold.has(HoldReason::Unsynced);
    if (is_unsynced) server.replies.mark_unasked();
    if (is_mid_message || server.is_copy_both) {
        // The server finds the end of the stream where it would have found the client's.
        if (!is_mid_message) send_terminate(server);
        server.is_ending = true;
        act(ActionKind::ShutdownSend, server.link);
    } else if (is_unsynced) {
        abort_batch(server);
    } else if (server.replies.is_copy_in()) {
        end_copy_in(server);  // the server waits for data that will not come
    }
    return Next::Gone;
}

// Nothing is owed to the client any more.
void Core::part(Client& client) {
    if (client.farewell != nullptr) {
        if (client.withheld != nullptr) send_copy(client.link, *client.withheld);
        send_copy(client.link, *client.farewell);
    }
    act(ActionKind::Close, client.link);
    leave(client, Leaving::Orderly);
}

// The client broke the protocol: that is the end of its stream.
void Core::break_off(Client& client, std::string_view message) {
    client.farewell = std::make_unique<std::string>();
    wire::write_error(
        *client.farewell, {wire::Severity::Fatal, wire::sql_state::protocol_violation, message}
    );
    end_stream(client);
}

void Core::refuse(Client& client, const wire::Frame& frame, const wire::ErrorText& error) {
    std::string out;
    wire::write_error(out, error);
    if (is_answered_with_ready(static_cast<Frontend>(frame.type))) {
        wire::write_ready_for_query(out, wire::TransactionStatus::Idle);
    } else {
        client.skips_to_sync = true;
    }
    send_copy(client.link, out);
}

void Core::refuse_waiting(Client& client, const wire::ErrorText& error) {
    dequeue(client);
    client.state = ClientState::Idle;
    if (client.probed != nullptr) {
        wire::ErrorText fatal = error;
        fatal.severity = wire::Severity::Fatal;
        fatal.hint = {};  // it is about a session
        return fail_client(client, fatal);
    }
    resume_reads(client);
    CHECK(client.stash != nullptr);
    const std::string_view chunk = open_stash(client.stash, {}, 0);
    wire::FrameCursor cursor(chunk, settings_->message_bytes_max);
    wire::Frame frame;
    cursor.next(frame);
    refuse(client, frame, error);
    cursor.take(frame);
    client.body = frame.is_whole() ? Body::None : Body::Drop;
    client.body_missing = frame.missing;
    run_on(client, cursor.rest());
}

void Core::fail_client(Client& client, const wire::ErrorText& error) {
    // As at PostgreSQL: a peer that has asked for nothing hears nothing.
    const bool is_unasked = client.login != nullptr && !client.login->machine.has_startup_message();
    // Inside a server's message nothing else can be said.
    const Server* const server =
        client.state == ClientState::Linked ? &servers_.at(client.server) : nullptr;
    const bool is_mid_reply =
        server != nullptr && server->body == Body::Forward && server->body_missing > 0;
    if (!is_mid_reply && !is_unasked) {
        std::string out;
        wire::write_error(out, error);
        send_copy(client.link, out);
    }
    act(ActionKind::Close, client.link);
    leave(client, Leaving::CutOff);
}

// The client's link is gone or going: its server is cleaned or closed, its record freed.
void Core::leave(Client& client, Leaving how) {
    if (client.state == ClientState::Waiting) dequeue(client);
    if (client.state == ClientState::Linked) {
        Server& server = servers_.at(client.server);
        const bool is_mid_message = client.body == Body::Forward && client.body_missing > 0;
        unlink(client, server);
        if (server.state == ServerState::Closing) {
            // It is gone or going.
        } else if (is_mid_message || server.is_ending || pool_of(server).is_replication) {
            // Its end is what it finds behind the requests before. A walsender keeps what nothing
            // resets: temporary slots, and a timeline it has ended.
            if (!server.is_copy_both && is_cancelled_for(server, how))
                start_cancel(server, {}, worker_);
            if (!is_mid_message && !server.is_ending) send_terminate(server);
            shut_server(server);
        } else {
            clean(server, how);
        }
    }
    forget(client);
}

}  // namespace penstock::proxy
