// What one server still owes, in the order in which it will answer: the only truth for ordering,
// release, statement tracking, cancel and drain. Every message sent to a server that will be
// answered has an entry. Owned by its server; its worker's thread only. After PostgreSQL's manual,
// "Message Flow": Extended Query, COPY Operations, Pipelining.
#pragma once

#include "dataplane/session/statement_text.hpp"
#include "dataplane/wire/message_type.hpp"

#include <cstdint>
#include <vector>

namespace penstock::session {

enum class Expect : std::uint8_t {
    Query,              // anything, then ReadyForQuery
    FunctionCall,       // FunctionCallResponse or an error, then ReadyForQuery
    Sync,               // ReadyForQuery
    Parse,              // ParseComplete
    Bind,               // BindComplete
    DescribeStatement,  // ParameterDescription, then RowDescription or NoData
    DescribePortal,     // RowDescription or NoData
    Execute,            // rows, then CommandComplete, EmptyQueryResponse or PortalSuspended
    Close,              // CloseComplete
    CopyEnd,  // nothing: marks where the client's CopyDone or CopyFail stands in the order
    Abort,    // an error: ours, in front of a Sync that must commit nothing
};

inline constexpr std::uint32_t no_owner = 0xffffffff;

// Why a message was not passed on. What is sent in its place must fail: so the error has its place
// and its consequences for the transaction, and the client gets our words.
enum class Refusal : std::uint8_t {
    None,
    Listen,       // not in this pool mode
    ClientBytes,  // the client keeps too much
    Memory,       // all clients do
};

struct Expected {
    Expect kind = Expect::Query;
    bool is_swallowed = false;  // ours: the replies reach no client
    bool has_note = false;      // the server's next note belongs to this entry
    bool is_replay = false;     // ours: makes the server's parameters the client's; of no batch
    bool is_unasked = false;    // its client ended its stream without asking for the reply
    bool is_look = false;       // ours: asks what a new session would be told
    Refusal refusal = Refusal::None;
    TextLook look;  // Query, Execute: at the text
    std::uint32_t owner = no_owner;
    // Of a Bind or Describe: the number of the client's name. Of what ends or makes the unnamed
    // statement: its version. 0: neither.
    std::uint64_t version = 0;

    bool operator==(const Expected&) const = default;
};

class ReplyQueue {
 public:
    enum class Verdict : std::uint8_t {
        Within,      // belongs to the head, which goes on
        Completes,   // belongs to the head and ends it; the head was taken off
        Unexpected,  // the server broke the order: its link must be closed
    };
    struct Match {
        Verdict verdict = Verdict::Unexpected;
        Expected entry;
    };

    void push(const Expected& entry);

    // Places a reply that is neither asynchronous (notice, parameter, notification) nor an error.
    Match match(wire::Backend type);

    // An ErrorResponse for the head. Within: ReadyForQuery will follow for the same entry.
    // Completes: the server now discards up to the next Sync; `skipped` gets the failed entry and
    // all that will never be answered, in order.
    Match fail(std::vector<Expected>& skipped);

    // The server entered COPY IN for the head: it ignores every Sync that was sent before the
    // client's CopyDone or CopyFail, so they will not be answered.
    void copy_in_started();
    bool is_copy_in() const { return is_copy_in_; }
    // A COPY failed while it may or may not have read a Sync, so a ReadyForQuery more than is
    // expected may come: the server must not serve another client.
    bool is_uncertain() const { return is_uncertain_; }

    // The client sent Flush: PostgreSQL sends all replies that it has.
    void flushed() { unflushed_ = 0; }
    // May the server keep back what it has to say until a Flush or Sync comes?
    bool is_unflushed() const { return count_ > 0 && unflushed_ > 0; }
    // No Flush or Sync will come for what is kept back.
    void mark_unasked();

    // After an error the server discards everything up to a Sync that has not been sent yet.
    bool skips_to_sync() const { return skips_to_sync_; }

    // Were extended messages sent and no Sync behind them, as far as they are still owed?
    bool is_unsynced() const;
    // Are there a Bind or Describe of a statement by its name?
    bool binds_names() const;
    // Is a ReadyForQuery to come, so that the transaction's status may change?
    bool owes_ready() const;
    // Is all that is owed ours?
    bool is_all_swallowed() const;
    // Does the server work for one request of a client and no more? Then a cancel cannot meet
    // another one.
    bool is_one_request() const;

    // Requires: not empty.
    const Expected& head() const { return at(0); }
    bool is_empty() const { return count_ == 0; }
    std::size_t size() const { return count_; }
    void clear();

 private:
    const Expected& at(std::size_t index) const { return ring_[(first_ + index) & mask_]; }
    Match match_late(wire::Backend type);
    void take_head();  // and the marks that stood behind it alone
    void end_copy();

    std::vector<Expected> ring_{8};  // its size is a power of two
    std::size_t mask_ = 7;           // one less
    std::size_t first_ = 0;
    std::size_t count_ = 0;
    std::size_t unflushed_ = 0;  // of the newest entries, at least those that are still here
    bool is_copy_in_ = false;
    bool is_copy_begun_ = false;     // the head's latest COPY IN began and has not ended
    bool has_ignored_sync_ = false;  // by that COPY
    bool is_uncertain_ = false;
    bool skips_to_sync_ = false;
};

}  // namespace penstock::session
