// What the Proxy asks of its shell. The shell decides nothing: it performs actions in order.
#pragma once

#include "dataplane/proxy/link_id.hpp"

#include <cstdint>
#include <string_view>

namespace penstock::proxy {

enum class ActionKind : std::uint8_t {
    // Write `bytes` to `link`, behind everything sent before. All Sends to one link in one event
    // leave in one system
    // call. What the socket does not take at once the shell keeps, and does not read from the link
    // whose event caused
    // the Send until it is gone: back-pressure without watermarks.
    Send,
    // Write what is pending, then close. The link's name is gone at once; no event for it follows.
    Close,
    // Close at once; what is pending is lost. The link's name is gone at once.
    Abort,
    // Write what is pending, then end the sending direction only; `closed` follows when the peer
    // has closed too.
    ShutdownSend,
    // Connect `link` to the database, a cancel's to where the server link `peer` is connected;
    // `connected` or `closed` follows.
    Open,
    // Begin TLS on `link`, as server for a client, as client for a server; what was sent before
    // leaves in plain first.
    // `tls_established` or `closed` follows.
    StartTls,
    // Have what `keys_wanted(link)` names derived elsewhere, then call `keys_derived(link)`.
    DeriveKeys,
    PauseReads,
    ResumeReads,
    // Take the server's socket off this worker and hand it, with `take_moved(link)`, to `worker`,
    // which calls `adopt`.
    MoveServer,
    // Another worker may hold the client that this cancel key names: call `worker`'s
    // `cancel_routed(key, link, origin)`.
    RouteCancel,
    // The routed cancel is over: call `cancel_finished(link)` on `worker`.
    CancelFinished,
    // Call `server_wanted(pool, wanting_worker)` on `worker`.
    WantServer,
    // Call `permit_wanted(servers)` on `worker`.
    WantPermit,
    // The last client and server are gone after drain(): this worker may end.
    Drained,
};

// The name of a client in BackendKeyData and CancelRequest.
struct CancelKey {
    std::uint32_t process_id = 0;
    std::uint32_t secret = 0;

    bool operator==(const CancelKey&) const = default;
};

struct Action {
    ActionKind kind = ActionKind::Send;
    LinkId link;
    std::string_view bytes;            // Send: holds until the next entry into the Proxy
    std::uint32_t worker = 0;          // MoveServer, RouteCancel, CancelFinished, WantServer
    CancelKey key;                     // RouteCancel
    std::uint32_t origin = 0;          // RouteCancel: the worker that `link` belongs to
    LinkId peer = {};                  // Open of a cancel
    std::uint32_t pool = 0;            // WantServer: its share's id
    std::int32_t servers = 0;          // WantPermit
    std::uint32_t wanting_worker = 0;  // WantServer
};

}  // namespace penstock::proxy
