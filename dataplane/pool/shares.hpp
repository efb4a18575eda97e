// What the workers of one process hold together for each pool, and which pool gives up a server for
// which. One per process, in the Board; any thread. Its lock is of an atomic, and never held for a
// query.
//
// A pool that wants a server when there is no permit left makes a claim, if another pool has so
// many that it should give one up (fair.hpp). A server that is freed in a pool that is richer than
// a claim's is closed, and its permit is kept for the claim.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <string>
#include <unordered_map>
#include <vector>

namespace penstock::pool {

// What a login at the database met.
struct LoginFailure {
    bool is_servers = false;  // in the database's own words
    std::string severity;
    std::string sql_state;
    std::string message;
};

// One (database, user, pinned parameters) in all workers. Workers are bits by their index.
struct Share {
    explicit Share(std::uint32_t workers) : since_us(workers) {}

    std::uint32_t id = 0;                   // constant while somebody keeps it; never given twice
    std::atomic<std::int32_t> servers{0};   // but for those that are closing
    std::atomic<std::int32_t> waiting{0};   // clients that wait for one to begin a transaction
    std::atomic<std::int32_t> reserved{0};  // permits that other pools gave up for this one
    // The last login failed: when the next is due, microseconds of the steady clock. 0: it did not.
    std::atomic<std::int64_t> failing_until_us{0};
    LoginFailure failure;  // under the lock of Shares
    // Each is told before the other is looked at: so of two workers that meet one sees the other.
    std::atomic<std::uint64_t> wanting_workers{0};  // clients wait there
    std::atomic<std::uint64_t> idle_workers{0};     // a server may be idle there
    // By worker: since when its oldest client has waited, microseconds of the steady clock; 0:
    // nobody waits, or a server is on its way.
    std::vector<std::atomic<std::int64_t>> since_us;

    bool take_reserved() {
        std::int32_t left = reserved.load(std::memory_order_relaxed);
        while (left > 0) {
            if (reserved.compare_exchange_weak(left, left - 1, std::memory_order_relaxed))
                return true;
        }
        return false;
    }
};

class Shares {
 public:
    explicit Shares(std::uint32_t workers) : workers_(workers) {}

    // The share of the pool whose key, written out, is this. Holds until it is left as often as it
    // was joined.
    Share& join(const std::string& pool);
    // The worker has no client and no server of it. How many permits were kept for it, which are
    // the caller's to give back now.
    [[nodiscard]] std::int32_t leave(Share& share, std::uint32_t worker);

    void login_failed(Share& share, LoginFailure failure, std::int64_t until_us);
    LoginFailure failure(const Share& share);

    struct Receiver {
        std::uint32_t share = 0;   // its id; 0: nobody
        std::uint32_t worker = 0;  // has to hear when the permit is there
    };
    // `worker` wants so many servers for `share` and found no permit. is_late: it has waited so
    // long that another pool's only server may go. False: it must wait for its own.
    bool claim(Share& share, std::uint32_t worker, std::int32_t wanted, bool is_late);
    void drop_claim(const Share& share);
    // May a pool with so many servers have to give one up? One load: asked for each freed server.
    bool may_have_to_give(std::int32_t servers) const {
        return servers > poorest_.load(std::memory_order_relaxed) + 1;
    }
    // For whom `giver` gives up a server, if for anybody. The claim counts as met.
    Receiver receiver(const Share& giver);
    // For whom a permit that has become free is, if for anybody.
    Receiver receiver();
    bool has_claims() const { return poorest_.load(std::memory_order_relaxed) != nobody; }
    // Keeps one permit for it. False: the share is gone.
    bool reserve(std::uint32_t share);

 private:
    static constexpr std::int32_t nobody = INT32_MAX - 1;

    struct Kept {
        Share* share = nullptr;
        std::int32_t keepers = 0;
    };
    struct Claim {
        Share* share = nullptr;
        std::uint32_t worker = 0;
        std::int32_t wanted = 0;
        std::int32_t handicap = 0;  // counts as having so many fewer
    };
    using Claims = std::vector<Claim>;

    Receiver take(Claims::iterator claim);
    void erase_claim(const Share& share);
    void note_poorest();
    static std::int32_t holds(const Claim& claim);

    const std::uint32_t workers_;
    std::atomic_flag is_locked_ = ATOMIC_FLAG_INIT;
    std::uint32_t last_id_ = 0;
    std::deque<Share> all_;  // shares do not move
    std::vector<Share*> free_;
    std::unordered_map<std::string, Kept> by_pool_;
    std::unordered_map<std::uint32_t, std::string> pools_;  // by id
    Claims claims_;
    std::atomic<std::int32_t> poorest_{nobody};
};

}  // namespace penstock::pool
