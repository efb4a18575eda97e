// How many server connections of the process each user and each database has, all workers together.
// One per process, any thread. Its lock is of an atomic and held for a look-up or two, when a
// server connection is opened or gone; never for a query.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

namespace penstock::pool {

// Of one user and of one database; 0: none.
struct ServerLimits {
    std::int32_t per_user = 0;
    std::int32_t per_database = 0;

    bool are_set() const { return per_user > 0 || per_database > 0; }
};

class ServerCounts {
 public:
    using TimePoint = std::chrono::steady_clock::time_point;
    struct Owner {
        std::string_view user;
        std::string_view database;
    };

    // Counts one more if the limits allow it. is_first: the pool that wants it has none: where a
    // limit binds, the next one of this user or database is kept for it, and others are asked to
    // give one up.
    [[nodiscard]] bool take(Owner owner, const ServerLimits& limits, bool is_first, TimePoint now);
    // Requires: counted by take().
    void give(Owner owner);

    // Must a free server of this owner go? Once limits were lowered, or a pool without any server
    // waits for one of this user or database. Who is answered yes closes the server.
    bool must_go(Owner owner, const ServerLimits& limits, TimePoint now);
    // False: must_go() can be true only for lowered limits. Costs one load.
    bool anybody_waits(TimePoint now) const {
        return now.time_since_epoch().count() < waits_until_.load(std::memory_order_relaxed);
    }

    // Are there more of any user or database than the limits allow?
    bool any_over(const ServerLimits& limits) const;

    // Names that are counted now: for checks that nothing is kept.
    std::size_t names() const;

 private:
    struct Count {
        std::int32_t servers = 0;
        std::int32_t going = 0;   // of them, those that must_go() was said of
        TimePoint waits_until{};  // a pool without a server waits for one
    };
    using Counts = std::unordered_map<std::string, Count>;

    static bool has_room(const Counts& counts, std::string_view name, std::int32_t max);
    void wait_for(Counts& counts, std::string_view name, std::int32_t max, TimePoint now);
    static bool must_go_from(
        Counts& counts, std::string_view name, std::int32_t max, TimePoint now
    );
    static void give_from(Counts& counts, std::string_view name);

    class Lock;
    mutable std::atomic_flag is_locked_ = ATOMIC_FLAG_INIT;
    Counts users_;
    Counts databases_;
    std::atomic<TimePoint::rep> waits_until_{0};
};

}  // namespace penstock::pool
