// The joining of clients to servers: every decision of one worker, and nothing else. Pure: events
// and a time point in, actions out. One per worker, touched by that worker's thread only; shares
// nothing but the Board.
//
// Calling sequence: call one entry, then perform `actions()` in order, then the next entry. Views
// in actions hold until the next entry.
#pragma once

#include "dataplane/pool/board.hpp"
#include "dataplane/proxy/action.hpp"
#include "dataplane/proxy/link_id.hpp"
#include "dataplane/proxy/metrics.hpp"
#include "dataplane/proxy/random_source.hpp"
#include "dataplane/proxy/settings.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::proxy {

// An idle server on its way from one worker to another: everything but the socket.
struct MovedServer;
struct MovedServerDeleter {
    void operator()(MovedServer* moved) const;
};
using MovedServerPtr = std::unique_ptr<MovedServer, MovedServerDeleter>;

// What a worker holds, counted in its records: for checks that nothing is leaked.
struct Census {
    std::size_t clients = 0;
    std::size_t waiting = 0;
    std::size_t servers = 0;
    std::size_t servers_busy = 0;  // neither idle nor opening nor closing
    std::size_t cancels = 0;
    std::size_t statements = 0;  // that clients have names for
    std::size_t values = 0;      // of parameters
    std::int64_t stash_bytes = 0;
    std::size_t pools = 0;
};

class Core;

class Proxy {
 public:
    // random: outlives this.
    Proxy(
        std::uint32_t worker,
        RandomSource& random,
        pool::Board& board,
        std::shared_ptr<const Settings> settings,
        TimePoint now
    );
    ~Proxy();
    Proxy(const Proxy&) = delete;
    Proxy& operator=(const Proxy&) = delete;

    // A client was accepted: its link's name, under which the shell keeps it.
    [[nodiscard]] LinkId accepted(TimePoint now);
    // Bytes arrived. `bytes` need hold only until the actions are performed.
    void received(LinkId link, std::string_view bytes, TimePoint now);
    void connected(LinkId link, TimePoint now);
    // has_protocol: the peer has chosen the ALPN protocol "postgresql".
    void tls_established(LinkId link, bool has_protocol, TimePoint now);
    // DeriveKeys was asked for: what is to be derived; null if the client is gone.
    std::shared_ptr<const wire::DerivedVerifier> keys_wanted(LinkId link);
    // It is ready.
    void keys_derived(LinkId link, TimePoint now);
    // The client will send no more, but may still read (Manual: a frontend should send Terminate;
    // not all do).
    void ended(LinkId link, TimePoint now);
    // The peer closed, or the socket failed (reason for people: "connection refused"). The name is
    // gone.
    void closed(LinkId link, std::string_view reason, TimePoint now);
    // Requires: called at least at next_tick().
    void tick(TimePoint now);
    TimePoint next_tick() const;

    // Several entries make a turn: only at its end are servers that are still free offered to other
    // workers. Without it each entry is a turn of its own.
    void has_turns();
    void turn_ended(TimePoint now);
    bool has_freed() const;

    // From other workers of this process.
    void cancel_routed(CancelKey key, LinkId canceller, std::uint32_t from_worker, TimePoint now);
    void cancel_finished(LinkId canceller, TimePoint now);
    // `wanting_worker` has clients of that pool (a share's id) that wait for a server; this worker:
    // a permit may be there for them.
    void server_wanted(std::uint32_t pool, std::uint32_t wanting_worker, TimePoint now);
    // Clients of another worker wait for a permit, of a pool that has so many servers.
    void permit_wanted(std::int32_t servers, TimePoint now);
    [[nodiscard]] MovedServerPtr take_moved(LinkId link);
    [[nodiscard]] LinkId adopt(MovedServerPtr moved, TimePoint now);

    // From the shell's administration.
    void configure(std::shared_ptr<const Settings> settings, TimePoint now);
    // The Board's limit or throttle changed.
    void limits_changed(TimePoint now);
    // Hand every client off at a transaction's end, then end. Drained follows.
    void drain(TimePoint now);
    // The process ends: whoever is still here hears why.
    void cut_off(TimePoint now);
    // The client has taken nothing of what was sent to it for longer than it may.
    void unread(LinkId link, TimePoint now);
    // So many bytes wait for clients that do not read.
    void pending(std::size_t bytes);

    const std::vector<Action>& actions() const;
    const Metrics& metrics() const;
    // The last fault in opening a server connection; empty once one succeeded. This worker's thread
    // only.
    const std::string& server_error() const;
    Census census() const;

 private:
    std::unique_ptr<Core> core_;
};

}  // namespace penstock::proxy
