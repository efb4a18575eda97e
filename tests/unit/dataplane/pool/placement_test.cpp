#include "dataplane/pool/placement.hpp"

#include <gtest/gtest.h>

namespace penstock::pool {
namespace {

TEST(Placement, AsManyWorkersAsServersAndClientsNeed) {
    struct Case {
        PlacementInput input;
        std::int32_t workers;
    };
    const Case cases[]{
        {{.workers = 16, .cpus = 16, .servers = 20}, 5},
        {{.workers = 16, .cpus = 2, .servers = 20}, 2},
        {{.workers = 1, .cpus = 16, .servers = 20}, 1},
        {{.workers = 16, .cpus = 16, .servers = 1}, 1},
        {{.workers = 16, .cpus = 16, .servers = 0}, 1},
        {{.workers = 2, .cpus = 2, .servers = 5}, 2},
        {{.workers = 16, .cpus = 16, .servers = 2}, 2},
        {{.workers = 16, .cpus = 16, .servers = 8}, 2},
        {{.workers = 16, .cpus = 16, .servers = 65'535, .clients = 1'000'000}, 16},
        {{.workers = 16, .cpus = 16, .servers = 5, .clients = 1'000}, 10},
        {{.workers = 16, .cpus = 16, .servers = 5, .clients = 100}, 2},
        {{.workers = 16, .cpus = 0, .servers = 5}, 1},
    };
    for (const Case& c : cases) EXPECT_EQ(workers_for(c.input), c.workers) << &c - cases;
}

}  // namespace
}  // namespace penstock::pool
