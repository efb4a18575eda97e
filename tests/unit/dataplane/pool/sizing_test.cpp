#include "dataplane/pool/sizing.hpp"

#include <gtest/gtest.h>

namespace penstock::pool {
namespace {

TEST(Sizing, OpensOneForEachWhoWaitsAndHasNoneComing) {
    struct Case {
        SizingInput input;
        std::int32_t to_open;
        SizingReason reason;
    };
    const Case cases[]{
        {{.logins_in_flight_max = 4}, 0, SizingReason::Enough},
        {{.waiting = 3, .logins_in_flight_max = 4}, 3, SizingReason::Waiting},
        {{.waiting = 3, .idle = 1, .opening = 1, .logins_in_flight_max = 4},
         1,
         SizingReason::Waiting},
        {{.waiting = 2, .idle = 1, .opening = 2, .logins_in_flight_max = 4},
         0,
         SizingReason::Enough},
        {{.waiting = 3, .servers = 4, .servers_max = 5, .logins_in_flight_max = 4},
         1,
         SizingReason::PoolLimit},
        // The limit was lowered below what is open.
        {{.waiting = 3, .servers = 6, .servers_max = 5, .logins_in_flight_max = 4},
         0,
         SizingReason::PoolLimit},
        {{.waiting = 9, .logins_in_flight = 1, .logins_in_flight_max = 4},
         3,
         SizingReason::LoginsInFlight},
        {{.waiting = 9, .logins_in_flight = 6, .logins_in_flight_max = 4},
         0,
         SizingReason::LoginsInFlight},
        {{.waiting = 9,
          .servers = 4,
          .servers_max = 5,
          .logins_in_flight = 3,
          .logins_in_flight_max = 4},
         1,
         SizingReason::PoolLimit},
    };
    for (const Case& c : cases) {
        SCOPED_TRACE(&c - cases);
        const Sizing sizing = servers_to_open(c.input);
        EXPECT_EQ(sizing.to_open, c.to_open);
        EXPECT_EQ(sizing.reason, c.reason);
    }
}

}  // namespace
}  // namespace penstock::pool
