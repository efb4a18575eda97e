#include "operator/domain/limit.hpp"

#include <algorithm>

namespace penstock::domain {

LimitedBy limited_by(const DatabaseView& database, std::size_t index) {
    const PoolView& pool = database.pools[index];
    const PoolLine& line = database.line.pools[index];
    if (!database.facts) return LimitedBy::Unknown;
    std::int32_t wanted = 0;
    std::int32_t expected = 0;
    for (const ProxyLine& proxy : line.proxies) {
        if (proxy.active) wanted += std::max(proxy.want, proxy_floor);
        expected += proxy.expected;
    }
    if (database.learning && line.asked > expected) return LimitedBy::Learning;
    if (line.share < line.asked) {
        // Were it alone, would it have more?
        const bool others =
            line.share < line.ceiling - line.reserve &&
            std::any_of(
                database.line.pools.begin(),
                database.line.pools.end(),
                [&](const PoolLine& other) { return &other != &line && other.share > 0; }
            );
        return others ? LimitedBy::SharedDatabase : pool.ceiling.limited_by;
    }
    const std::int32_t held = pool.memory->throttle.limit();
    if (pool.memory->policy_enforced && held > 0 && held < expected) return LimitedBy::Policy;
    if (line.fixed) return LimitedBy::Fixed;
    if (line.most && wanted > *line.most) return LimitedBy::Spec;
    return line.asked > wanted ? LimitedBy::Floor : LimitedBy::Demand;
}

}  // namespace penstock::domain
