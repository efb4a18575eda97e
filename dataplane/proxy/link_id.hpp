// The name of a link (a socket and what hangs on it) between the Proxy and its shell: slot and
// generation, never a pointer. A name whose generation is past is "gone": every entry that takes
// one ignores it.
#pragma once

#include <cstdint>

namespace penstock::proxy {

// As wide as the slot: a LinkId without a gap is copied as a whole.
enum class LinkKind : std::uint32_t {
    Client,  // accepted; speaks as a frontend to us
    Server,  // to PostgreSQL, for queries
    Cancel,  // to PostgreSQL, for one CancelRequest
};

struct LinkId {
    std::uint64_t generation = 0;  // 0 is never given out: a default LinkId names nothing
    std::uint32_t slot = 0;
    LinkKind kind = LinkKind::Client;

    bool is_set() const { return generation != 0; }
    bool operator==(const LinkId&) const = default;
};

}  // namespace penstock::proxy
