// The Proxy's records: one Client for each accepted link, one Server for each link to PostgreSQL,
// one Pool for each (database, user, pinned parameters), one Cancel for each CancelRequest under
// way. Plain data; Core moves them.
#pragma once

#include "dataplane/control/hold_time.hpp"
#include "dataplane/pool/shares.hpp"
#include "dataplane/pool/slab.hpp"
#include "dataplane/pool/slot_list.hpp"
#include "dataplane/proxy/action.hpp"
#include "dataplane/proxy/link_id.hpp"
#include "dataplane/proxy/settings.hpp"
#include "dataplane/session/client_login.hpp"
#include "dataplane/session/hold.hpp"
#include "dataplane/session/parameters.hpp"
#include "dataplane/session/reply_queue.hpp"
#include "dataplane/session/server_login.hpp"
#include "dataplane/session/statements.hpp"
#include "dataplane/wire/error_response.hpp"
#include "dataplane/wire/message_type.hpp"

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace penstock::proxy {

using pool::no_slot;

inline constexpr std::string_view drain_text =
    "terminating connection due to administrator command";

// What becomes of the rest of a message whose beginning was dealt with.
enum class Body : std::uint8_t { None, Forward, Withhold, Drop };

enum class ClientState : std::uint8_t {
    LoggingIn,  // not yet authenticated
    Welcoming,  // authenticated; waits to learn from a server what ParameterStatus to send
    Idle,       // has no server
    Waiting,    // wants a server, is in its pool's queue
    Linked,     // has a server
};

// What a client may say Bind to without a name.
struct UnnamedStatement {
    std::string definition;     // Parse's body behind the empty name
    session::TextLook look;     // at its text
    session::Origin origin;     // whose values it holds
    std::uint64_t version = 0;  // of the message that made or ended it
    bool is_set = false;
};

// A text up to here counts as part of its client's record.
inline constexpr std::size_t uncounted_text_bytes = 4096;

inline std::size_t counted_bytes(const UnnamedStatement& statement) {
    const std::size_t bytes = statement.definition.size();
    return bytes > uncounted_text_bytes ? bytes : 0;
}

// Of one that may come back there can be many.
inline std::size_t counted_bytes_before(const UnnamedStatement& statement) {
    return sizeof statement + statement.definition.size();
}

struct UnnamedStatements {
    UnnamedStatement now;  // once all that was sent is answered with success
    // Those before it, oldest first, that come back if what ended them is discarded behind an
    // error.
    std::deque<UnnamedStatement> before;
    std::uint64_t last_version = 0;
    std::size_t bytes = 0;  // that count against the budgets
};

struct ClientLoginState {
    std::shared_ptr<const Settings> settings;  // the machine refers to it
    session::ClientLogin machine;
    bool is_deriving_keys = false;  // what it sends meanwhile waits
};

// What a portal was bound to that names a statement.
struct BoundCommand {
    session::StatementCommand command;
    session::StatementId sent_as = session::no_statement;  // none: as the client wrote it
    wire::PositionShift shift;
    session::TextLook look;
};

struct Client {
    LinkId link;
    ClientState state = ClientState::LoggingIn;
    Body body = Body::None;
    bool skips_to_sync = false;  // was refused inside an extended query: discard up to Sync
    bool is_cancelling = false;  // LoggingIn: its CancelRequest is under way, nothing else counts
    bool reads_paused = false;
    bool is_stalled = false;  // Linked: what it says next depends on answers that are still owed
    bool has_ended = false;   // its stream is at its end: nothing follows what was received
    bool is_leaving = false;  // all that it sent is dealt with: gets what it is owed, then goes
    bool is_queued = false;   // in the pool's list of waiting or welcoming clients
    std::uint32_t pool = no_slot;
    std::uint32_t server = no_slot;
    std::uint32_t process_id = 0;  // of BackendKeyData
    std::uint32_t secret = 0;      // of BackendKeyData
    std::size_t body_missing = 0;
    std::size_t stash_needed = 0;  // bytes that the stash must hold before another look is worth it
    std::uint32_t look = 0;        // Welcoming: it came before this look of its pool
    session::ClientParameters parameters;
    session::ParameterSet started;  // what it asked for at start-up, as PostgreSQL writes it
    session::ValueId name = session::no_value;       // its application_name, as it was told
    session::ValueId kept_name = session::no_value;  // ... at its last idle moment
    session::TextLook parsed;  // mode Session: at the text of its unnamed statement
    session::TextLook bound;   // at the text of what the unnamed portal was bound to last
    pool::SlotLinks links;     // in the pool's list of waiting or welcoming clients
    TimePoint accepted_at;
    TimePoint active_at;                    // last byte received, or since when it waits
    TimePoint held_since;                   // Linked: since when
    TimePoint begun_at;                     // Linked: since when it can have been in a transaction
    std::unique_ptr<std::string> stash;     // bytes that arrived and were not dealt with
    std::unique_ptr<std::string> withheld;  // is_leaving: replies that it did not ask for
    std::unique_ptr<std::string> farewell;  // is_leaving: the error behind all that it is owed
    std::unique_ptr<ClientLoginState> login;
    std::unique_ptr<session::ClientStatements> statements;
    std::unique_ptr<UnnamedStatements> unnamed;
    // By the portal's name, since its last server was linked.
    std::unique_ptr<session::StringMap<BoundCommand>> bound_commands;
    // While PostgreSQL is asked what it makes of the client's start-up values: these, as the client
    // wrote them.
    std::unique_ptr<std::vector<std::pair<std::size_t, std::string>>> probed;
};

enum class ServerState : std::uint8_t {
    Connecting,
    LoggingIn,
    Idle,
    Linked,    // a client has it
    Cleaning,  // its client left: what is owed is read, the transaction ended, the session reset
    Parked,    // free, but a cancel for it is in flight: it must not be handed on
    Closing,   // Terminate was sent; counts until PostgreSQL has closed
};

// A name of a statement in a client's text.
struct NameInText {
    session::StatementCommand::Kind kind = session::StatementCommand::Kind::None;
    std::string name;
    session::StatementId sent_as = session::no_statement;  // none: as the client wrote it
    session::StatementName taken = {};  // deallocated: given back if that is not carried out
    bool is_done = false;
};

// What a DEALLOCATE ALL takes.
struct AllStatements {
    session::ClientStatements names;  // with their references
    session::ServerStatements on_server;
};

// What must be undone if the entry it belongs to is not answered with success.
struct Note {
    enum class Kind : std::uint8_t {
        ClientParse,
        ServerParse,
        ClientClose,
        ServerClose,
        Deallocation,  // of the client's name, sent as one of the empty statement
        TakenParse,    // of a name that is in use: must fail; holds a reference to its statement
        Renamed,       // nothing: keeps the client's name for an error's text
        Text,          // a Query's names
        AllGone,       // of all statements, by DEALLOCATE ALL or DISCARD ALL
    } kind;
    session::StatementId statement = session::no_statement;
    session::StatementId sent_as = session::no_statement;  // by whose name the server heard of it
    std::string name = {};                                 // the client's
    std::uint64_t number = 0;                              // of the client's name
    session::TextLook look = {};                           // of the client's name
    std::size_t bytes = 0;                                 // of its text
    bool was_spoilt = false;                               // ServerClose
    bool is_failed = false;                                // of a Query: PostgreSQL refused it
    bool holds_statement = false;  // ClientParse: a reference, since its name stands for another
    std::vector<wire::PositionShift> shifts =
        {};  // from positions in what was sent to the client's
    std::unique_ptr<std::vector<NameInText>> names = nullptr;  // Text
    std::unique_ptr<AllStatements> all = nullptr;              // AllGone
};

// A Query's text with the servers' names in it.
struct NamedText {
    std::string sent;
    Note note;
};

struct Server {
    LinkId link;
    ServerState state = ServerState::Connecting;
    Body body = Body::None;
    wire::TransactionStatus status = wire::TransactionStatus::Idle;
    session::Hold hold;
    bool closes_when_free = false;  // never goes back to the pool
    bool is_ending = false;         // Linked: nothing more is sent to it, its end ends its client
    bool was_cancelled = false;     // Cleaning: what runs was cancelled
    bool may_end_stall = false;     // what its client waits for may have been answered
    bool is_copy_both = false;      // streams both ways until one side ends it
    bool is_discarded = false;      // Cleaning in mode Session: DISCARD ALL was sent
    bool is_rolled_back = false;    // Cleaning: ROLLBACK was sent
    bool has_served = false;        // a client has had it
    bool is_checking = false;       // Cleaning: is asked whether it lives, or looks
    bool repeats_own = false;       // a cancel hit what ours set for its client: once more
    bool cancel_when_own_ends = false;  // a cancel waits until our injected messages are answered
    bool is_encrypted = false;          // by TLS
    bool has_unnamed = false;           // an unnamed statement may exist here, whose: unnamed_*
    bool has_rows = false;              // came for the statement whose CommandComplete is to come
    session::Traces traces;             // of clients: to be removed before it serves another
    bool has_set_in_batch = false;      // not synced yet: something that may change settings
    bool is_settling = false;           // what is under way decides what may be sent behind it
    std::uint16_t lifetime_share = 0;   // random: servers that opened together do not end together
    bool has_set = false;       // since its last idle moment, a text of its client's that may set
    bool is_untagged = false;   // its application_name lacks the proxy's tag
    bool is_judged = false;     // Cleaning: RESET ALL is under way
    bool has_reset = false;     // ... and a RESET or DISCARD ALL was carried out
    std::uint16_t cancels = 0;  // in flight
    std::uint32_t pool = no_slot;
    std::uint32_t client = no_slot;
    std::uint32_t process_id = 0;
    std::uint64_t unnamed_version = 0;
    LinkId unnamed_owner;
    std::size_t unread_bytes = 0;  // Cleaning: of replies that nobody reads
    std::size_t body_missing = 0;
    std::size_t stash_needed = 0;
    session::ServerParameters parameters;
    session::ParameterSet defaults;    // its session's, as it reported them
    session::ParameterMask resetting;  // by the replay under way
    session::ParameterMask changed;    // by its client, since its last idle moment
    session::ParameterSet before;      // those, as they were then
    session::ParameterMask unsure;     // of the changed: by the client or by a reload?
    LinkId unsure_of;                  // that client
    std::string fingerprint;           // of the settings that ALTER ROLE and ALTER DATABASE gave it
    std::string seen_fingerprint;      // what its look, which is under way, has seen
    std::uint32_t look = 0;            // ... and which one of its pool's it is
    session::ReplyQueue replies;
    session::ServerStatements statements;
    // Its client's names before all were deallocated, without references: for the errors of what
    // was sent behind that.
    std::unique_ptr<session::ClientStatements> forgotten;
    std::deque<Note> notes;
    std::size_t notes_synced = 0;  // of them, from the oldest, those that a Sync was sent behind
    std::int32_t prepared_by_sql = 0;  // by PREPARE, and not deallocated since
    // Since its client has it: which parameters that PostgreSQL does not report were set, as a
    // number that is the same for the same commands; 0: none.
    std::uint64_t alteration = 0;
    // Prepared under settings that are not their own: no other client may have them.
    std::vector<session::StatementId> tainted;
    TimePoint connected_at;
    TimePoint state_since;
    TimePoint checked_at{};      // an empty query was answered
    TimePoint query_since;       // oldest request that is owed a ReadyForQuery was sent
    std::uint64_t endpoint = 0;  // that it was opened to: Settings::endpoint
    std::string cancel_key;
    std::unique_ptr<std::string> stash;
    std::unique_ptr<session::ServerLogin> login;
    pool::Shares::Receiver receiver;  // Closing: whose its permit is then; none: anybody's
};

struct Cancel {
    LinkId link;
    bool needs_tls = false;  // as its server's connection has it
    bool is_sent = false;
    LinkId server;
    LinkId canceller;  // closes when this is over
    std::uint32_t canceller_worker = 0;
    std::uint32_t process_id = 0;
    std::string key;
    TimePoint started_at;
};

struct PoolKey {
    std::string user;
    std::string database;
    wire::Parameters pinned;  // start-up parameters that PostgreSQL does not report, in order
    // As its clients logged in: what is changed later holds for those who log in later.
    PoolMode mode = PoolMode::Transaction;
    bool tracks_statements = true;  // a client's statements are there on whichever server it gets

    bool operator==(const PoolKey&) const = default;
};

struct Pool {
    PoolKey key;
    // Its servers are walsenders: one client each, which speaks with it as it likes.
    bool is_replication = false;
    std::vector<std::uint32_t> idle;  // servers, last in first out: the warm one first
    bool is_unused = false;           // in Core's list of unused pools
    bool is_wanting = false;          // in Core's list of pools with clients that want a server
    bool is_idle_known = false;       // other workers see that a server may be idle here
    bool has_claim = false;           // on servers of other pools
    pool::SlotList waiting;           // clients
    pool::SlotList welcoming;         // clients
    pool::Share* share = nullptr;     // of all workers; null: this one is freed
    control::HoldTime hold_time;
    TimePoint claim_not_before{};
    TimePoint asked_at{};  // another worker, for an idle server
    std::int32_t servers = 0;
    std::int32_t opening = 0;
    std::int32_t closing = 0;
    std::int32_t checking = 0;
    std::int32_t clients = 0;
    bool is_full = false;           // no permit was found when a server was wanted last
    bool is_welcome_stale = false;  // it was another database's
    wire::Parameters welcome;  // ParameterStatus that a new session would get, by the last look
    std::string fingerprint;   // by the last look
    std::uint32_t looks = 0;   // begun
    LinkId looking;            // the server that looks now
    bool is_outdated = false;  // a new session differs from all that are there: one must be opened
    bool is_blind = false;     // the database does not answer looks
    session::StringMap<std::string> known;  // start-up values: as PostgreSQL writes them
    std::optional<wire::ScramKeys> scram_keys;
    TimePoint open_not_before{};
    Duration login_retry{};               // doubles while logins fail
    session::ServerLoginFailure failure;  // of the last login; empty once one succeeded
    bool is_missed = false;  // a client was refused for the failure: a login is due when it may be
};

// A server on its way to another worker.
struct MovedServer {
    PoolKey key;
    std::vector<std::pair<std::size_t, std::string>> parameters;
    std::vector<std::pair<std::size_t, std::string>> defaults;
    session::ParameterMask set;
    std::string fingerprint;
    std::uint32_t process_id = 0;
    std::string cancel_key;
    TimePoint connected_at;
    TimePoint idle_since;
    std::uint64_t endpoint = 0;
    wire::Parameters welcome;  // its pool's: the other worker may have had no server yet
    bool has_statements = false;
    bool is_encrypted = false;
    std::uint16_t lifetime_share = 0;
};

}  // namespace penstock::proxy
