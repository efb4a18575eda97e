#include "dataplane/control/admission.hpp"

#include <gtest/gtest.h>

namespace penstock::control {
namespace {

TEST(Admission, RefusesByLengthAndPredictedWait) {
    struct Case {
        AdmissionInput input;
        RefusalReason refused;
        std::int64_t predicted_wait_us;
    };
    const Case cases[]{
        {{}, RefusalReason::None, 0},
        {{.waiting = 1'000}, RefusalReason::None, 0},
        {{.waiting = 9, .waiting_max = 10}, RefusalReason::None, 0},
        {{.waiting = 10, .waiting_max = 10}, RefusalReason::QueueLength, 0},
        {{.waiting = 10, .hold_us = 50'000, .servers = 5, .wait_max_us = 100'000},
         RefusalReason::None,
         100'000},
        {{.waiting = 11, .hold_us = 50'000, .servers = 5, .wait_max_us = 100'000},
         RefusalReason::PredictedWait,
         110'000},
        {{.waiting = 10, .waiting_max = 10, .hold_us = 50'000, .servers = 5, .wait_max_us = 1},
         RefusalReason::QueueLength,
         100'000},
        // A pool of 20 whose transactions take 10 ms: 34 at once wait 7 ms.
        {{.waiting = 13, .hold_us = 10'000, .servers = 20, .wait_max_us = 150'000},
         RefusalReason::None,
         6'500},
        // Nobody waits: the next server that is free is this one's.
        {{.waiting = 0, .hold_us = 10'000'000, .servers = 1, .wait_max_us = 1'000},
         RefusalReason::None,
         0},
        // How long a transaction takes is not known.
        {{.waiting = 50, .servers = 1, .wait_max_us = 1'000}, RefusalReason::None, 0},
        // No server yet.
        {{.waiting = 2, .hold_us = 1'000, .servers = 0, .wait_max_us = 1'999},
         RefusalReason::PredictedWait,
         2'000},
        {{.waiting = 1'000'000, .hold_us = 3'600'000'000, .servers = 1, .wait_max_us = 1},
         RefusalReason::PredictedWait,
         3'600'000'000'000'000},
    };
    for (const Case& c : cases) {
        SCOPED_TRACE(&c - cases);
        const Admission admission = admit(c.input);
        EXPECT_EQ(admission.refused, c.refused);
        EXPECT_EQ(admission.predicted_wait_us, c.predicted_wait_us);
    }
}

}  // namespace
}  // namespace penstock::control
