#include "dataplane/pool/server_counts.hpp"

#include <algorithm>

namespace penstock::pool {
namespace {

// Who waits asks again at each tick; a wish that is not renewed is one of somebody who left.
constexpr std::chrono::milliseconds wish_lasts{500};

}  // namespace

class ServerCounts::Lock {
 public:
    explicit Lock(std::atomic_flag& flag) : flag_(flag) {
        while (flag_.test_and_set(std::memory_order_acquire)) flag_.wait(true);
    }
    ~Lock() {
        flag_.clear(std::memory_order_release);
        flag_.notify_one();
    }
    Lock(const Lock&) = delete;
    Lock& operator=(const Lock&) = delete;

 private:
    std::atomic_flag& flag_;
};

bool ServerCounts::take(Owner owner, const ServerLimits& limits, bool is_first, TimePoint now) {
    const Lock lock(is_locked_);
    const auto is_kept = [&](const Counts& counts, std::string_view name) {
        const auto found = counts.find(std::string(name));
        return !is_first && found != counts.end() && now < found->second.waits_until;
    };
    const bool user_has_room = has_room(users_, owner.user, limits.per_user);
    const bool database_has_room = has_room(databases_, owner.database, limits.per_database);
    if (user_has_room && database_has_room && !is_kept(users_, owner.user) &&
        !is_kept(databases_, owner.database)) {
        for (Count* count :
             {&users_[std::string(owner.user)], &databases_[std::string(owner.database)]}) {
            ++count->servers;
            if (is_first) count->waits_until = {};
        }
        return true;
    }
    if (is_first) {
        if (!user_has_room) wait_for(users_, owner.user, limits.per_user, now);
        if (!database_has_room) wait_for(databases_, owner.database, limits.per_database, now);
    }
    return false;
}

void ServerCounts::give(Owner owner) {
    const Lock lock(is_locked_);
    give_from(users_, owner.user);
    give_from(databases_, owner.database);
}

bool ServerCounts::must_go(Owner owner, const ServerLimits& limits, TimePoint now) {
    const Lock lock(is_locked_);
    return must_go_from(users_, owner.user, limits.per_user, now) ||
           must_go_from(databases_, owner.database, limits.per_database, now);
}

bool ServerCounts::any_over(const ServerLimits& limits) const {
    const Lock lock(is_locked_);
    const auto is_over = [](const Counts& counts, std::int32_t max) {
        return max > 0 && std::ranges::any_of(counts, [max](const auto& each) {
                   return each.second.servers - each.second.going > max;
               });
    };
    return is_over(users_, limits.per_user) || is_over(databases_, limits.per_database);
}

std::size_t ServerCounts::names() const {
    const Lock lock(is_locked_);
    return users_.size() + databases_.size();
}

bool ServerCounts::has_room(const Counts& counts, std::string_view name, std::int32_t max) {
    if (max <= 0) return true;
    const auto found = counts.find(std::string(name));
    return found == counts.end() || found->second.servers < max;
}

void ServerCounts::wait_for(
    Counts& counts, std::string_view name, std::int32_t max, TimePoint now
) {
    if (max <= 0) return;
    counts[std::string(name)].waits_until = now + wish_lasts;
    waits_until_.store((now + wish_lasts).time_since_epoch().count(), std::memory_order_relaxed);
}

bool ServerCounts::must_go_from(
    Counts& counts, std::string_view name, std::int32_t max, TimePoint now
) {
    const auto found = counts.find(std::string(name));
    if (max <= 0 || found == counts.end()) return false;
    Count& count = found->second;
    const bool is_over = count.servers - count.going > max;
    const bool is_wanted = now < count.waits_until && count.going == 0;
    if (is_over || is_wanted) ++count.going;
    return is_over || is_wanted;
}

void ServerCounts::give_from(Counts& counts, std::string_view name) {
    const auto found = counts.find(std::string(name));
    if (found->second.going > 0) --found->second.going;
    if (--found->second.servers == 0) counts.erase(found);
}

}  // namespace penstock::pool
