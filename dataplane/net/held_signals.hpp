// The signals that end or reload a proxy wait while nobody listens for them. As process 1 of a
// container it would never hear one that comes without a handler, and as any other it would die of
// it in the middle of its start.
#pragma once

namespace penstock::net {

// SIGTERM, SIGINT and SIGHUP stay pending from now on, for this thread and those that it starts.
void hold_signals();
// Those that came meanwhile are delivered now. Requires: handlers.
void let_signals();

}  // namespace penstock::net
