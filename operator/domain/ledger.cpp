#include "operator/domain/ledger.hpp"

#include "operator/domain/account.hpp"
#include "operator/domain/max_min.hpp"

#include <algorithm>
#include <cstddef>
#include <limits>
#include <numeric>

namespace penstock::domain {

namespace {

constexpr std::int32_t everything = std::numeric_limits<std::int32_t>::max() / 4;

std::int32_t charged_of(const PoolLine& pool) {
    std::int32_t sum = 0;
    for (const ProxyLine& proxy : pool.proxies) sum += proxy.charge;
    return sum;
}

std::int32_t charged_of_inactive(const PoolLine& pool) {
    std::int32_t sum = 0;
    for (const ProxyLine& proxy : pool.proxies)
        if (!proxy.active) sum += proxy.charge;
    return sum;
}

bool is_over(const PoolLine& pool) { return charged_of(pool) + pool.reserve > pool.ceiling; }

// It wants more than it has, and either feels it now or is not going to get it.
bool starves(const ProxyLine& proxy) {
    return proxy.active && proxy.want > proxy.expected &&
           (proxy.waiting || proxy.want > proxy.target);
}

void share_among_pools(DatabaseLine& database) {
    std::int32_t capacity = database.budget - database.reserve() - database.ghosts;
    std::vector<Claim> claims;
    for (PoolLine& pool : database.pools) {
        const std::int32_t inactive = charged_of_inactive(pool);
        capacity -= inactive;
        const std::int32_t most = std::max(0, pool.ceiling - pool.reserve - inactive);
        std::int32_t want = 0;
        std::int32_t floors = 0;
        for (const ProxyLine& proxy : pool.proxies)
            if (proxy.active) {
                want += std::max(proxy.want, proxy_floor);
                floors += proxy_floor;
            }
        const std::int32_t floor = floors > 0 ? std::max(pool.floor, floors) : 0;
        if (pool.most) want = std::min(want, *pool.most);
        if (pool.fixed && floors > 0) want = *pool.fixed;
        pool.asked = std::max(floor, want);
        claims.push_back({std::min(pool.asked, most), std::min(floor, most), pool.weight});
    }
    const std::vector<std::int32_t> shares = max_min(capacity, claims);
    for (std::size_t i = 0; i < shares.size(); ++i) database.pools[i].share = shares[i];
}

void share_among_proxies(PoolLine& pool) {
    std::vector<ProxyLine*> active;
    std::vector<Claim> claims;
    for (ProxyLine& proxy : pool.proxies)
        if (proxy.active) {
            active.push_back(&proxy);
            claims.push_back({std::max(proxy.want, proxy_floor), proxy_floor});
        }
    std::vector<std::int32_t> targets = max_min(pool.share, claims);
    if (std::accumulate(targets.begin(), targets.end(), std::int32_t{0}) < pool.share) {
        // The pool has more than its proxies' demand: a minimum or a fixed size. It is spread.
        for (std::size_t i = 0; i < claims.size(); ++i) claims[i] = {everything, targets[i]};
        targets = max_min(pool.share, claims);
    }
    // Even without any room a proxy keeps its floor: it would have it from its configuration.
    for (std::size_t i = 0; i < active.size(); ++i)
        active[i]->target = std::max(targets[i], proxy_floor);
}

void pass_over_small_differences(DatabaseLine& database) {
    bool scarce = database.charged() + database.reserve() > database.budget;
    for (const PoolLine& pool : database.pools) {
        scarce = scarce || is_over(pool);
        for (const ProxyLine& proxy : pool.proxies) scarce = scarce || starves(proxy);
    }
    for (PoolLine& pool : database.pools) {
        std::int32_t expected = 0;
        for (const ProxyLine& proxy : pool.proxies)
            if (proxy.active) expected += proxy.expected;
        if (pool.fixed || expected < std::min(pool.floor, pool.share)) continue;
        for (ProxyLine& proxy : pool.proxies) {
            if (!proxy.active) continue;
            const bool matters = proxy.target < proxy.expected ? scarce : starves(proxy);
            const std::int32_t difference = std::abs(proxy.target - proxy.expected);
            if (!matters && difference <= std::max(1, proxy.expected / 10))
                proxy.target = proxy.expected;
        }
    }
}

}  // namespace

std::int32_t DatabaseLine::reserve() const {
    std::int32_t sum = 0;
    for (const PoolLine& pool : pools) sum += pool.reserve;
    return sum;
}

std::int32_t DatabaseLine::charged() const {
    std::int32_t sum = ghosts;
    for (const PoolLine& pool : pools) sum += charged_of(pool);
    return sum;
}

void set_targets(DatabaseLine& database) {
    share_among_pools(database);
    for (PoolLine& pool : database.pools) share_among_proxies(pool);
    pass_over_small_differences(database);
}

void settle(DatabaseLine& database) {
    database.free = database.budget - database.reserve() - database.ghosts;
    database.on_reserve = database.strays;
    struct Place {
        std::size_t pool;
        ProxyLine* proxy;
    };
    std::vector<Place> growing;

    for (std::size_t i = 0; i < database.pools.size(); ++i) {
        PoolLine& pool = database.pools[i];
        pool.on_reserve = 0;
        pool.free = pool.ceiling - pool.reserve;
        for (ProxyLine& proxy : pool.proxies) {
            proxy.grant.reset();
            proxy.on_reserve = false;
            if (proxy.target < proxy.expected) proxy.grant = proxy.target;
            if (proxy.charge > proxy_floor) {
                database.free -= proxy.charge;
                pool.free -= proxy.charge;
            }
        }
    }
    // Who has only its floor is paid for as far as there is room; the others stand in the reserve.
    for (std::size_t i = 0; i < database.pools.size(); ++i)
        for (ProxyLine& proxy : database.pools[i].proxies) {
            if (proxy.charge <= proxy_floor) {
                proxy.on_reserve = proxy.charge > std::min(database.free, database.pools[i].free);
                if (proxy.on_reserve) {
                    database.on_reserve += proxy.charge;
                    database.pools[i].on_reserve += proxy.charge;
                } else {
                    database.free -= proxy.charge;
                    database.pools[i].free -= proxy.charge;
                }
            }
            if (proxy.active && !proxy.on_reserve && proxy.target > proxy.expected)
                growing.push_back({i, &proxy});
        }
    if (!database.may_grow) return;

    // The most starved first; ids break ties.
    std::stable_sort(growing.begin(), growing.end(), [](const Place& a, const Place& b) {
        return std::int64_t{a.proxy->charge} * std::max(1, b.proxy->want) <
               std::int64_t{b.proxy->charge} * std::max(1, a.proxy->want);
    });
    for (const Place& place : growing) {
        ProxyLine& proxy = *place.proxy;
        const std::int32_t room =
            std::max(0, std::min(database.free, database.pools[place.pool].free));
        const std::int32_t grant = std::min(proxy.target, proxy.charge + room);
        if (grant <= proxy.expected) continue;
        proxy.grant = grant;
        const std::int32_t taken = std::max(0, grant - proxy.charge);
        database.free -= taken;
        database.pools[place.pool].free -= taken;
    }
}

// Where more is charged than there is, it is the reserve that is used up.
std::int32_t starts_allowed(const DatabaseLine& database) {
    const std::int32_t left = database.reserve() - database.on_reserve + std::min(database.free, 0);
    return std::max(0, left) / proxy_floor;
}

std::int32_t starts_allowed(const PoolLine& pool) {
    const std::int32_t left = pool.reserve - pool.on_reserve + std::min(pool.free, 0);
    return std::max(0, left) / proxy_floor;
}

}  // namespace penstock::domain
