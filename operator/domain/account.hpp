// What the operator knows about the grants of one proxy: the one in force and those that may still
// come into force. All of it comes back with the proxy's next report after a restart.
#pragma once

#include "crds/api/grant.hpp"
#include "operator/domain/observed.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace penstock::domain {

// Server connections that a proxy may open before its first grant: DataplaneConfig's
// serverConnections as the operator writes it.
inline constexpr std::int32_t proxy_floor = 1;

class Account {
 public:
    // `inherited`: the process may have been granted something by an earlier operator.
    explicit Account(bool inherited = false) : inherited_(inherited) {}

    // Takes the newest report. One that shows an older grant than one before is passed over.
    void take(const api::Report& report, Time reported);

    // Remembers a grant on its way: until a report shows that one or a later one, it may come into
    // force at any time.
    void issue(const api::Grant& grant, Time now);

    // The most server connections that the proxy may have, now or by any grant on its way. `seen`:
    // what the database counts.
    std::int32_t charge(std::int32_t seen) const;

    // What will be in force when everything issued has arrived.
    std::int32_t expected() const;
    std::int32_t granted() const { return granted_; }
    std::int32_t servers() const { return servers_; }
    bool ever_granted() const { return sequence_ > 0; }
    // As issued last by this operator.
    std::optional<api::Throttle> throttle() const { return last_ ? last_->throttle : std::nullopt; }

    bool reported() const { return reported_.has_value(); }
    std::optional<Time> reported_at() const { return reported_; }

    // What to issue to a proxy that is not fenced yet: it keeps what it has.
    static constexpr std::int32_t keep = 0;

    // No grant of an earlier operator can come into force any more.
    bool fenced(std::uint64_t epoch) const { return !inherited_ || (reported_ && epoch_ >= epoch); }

    // Whether the last grant issued is in force.
    bool acknowledged() const { return !last_ || sent_.empty(); }

    // Whether `connections` and `throttle` must be issued: they differ from what was issued last,
    // or that has not come into force and another try is due.
    bool due(std::int32_t connections, const std::optional<api::Throttle>& throttle, Time now)
        const;

 private:
    struct Sent {
        std::uint64_t epoch;
        std::uint64_t sequence;
        std::int32_t connections;
    };

    bool inherited_;
    std::optional<Time> reported_;
    std::uint64_t epoch_ = 0;
    std::uint64_t sequence_ = 0;
    std::int32_t granted_ = proxy_floor;
    std::int32_t servers_ = 0;
    std::vector<Sent>
        sent_;  // later than the one in force, ascending; one per number of connections
    std::optional<api::Grant> last_;
    Time last_at_{};
};

}  // namespace penstock::domain
