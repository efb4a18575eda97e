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
        {{.waiting = 9, .ended_per_second = 100, .wait_max_us = 100'000},
         RefusalReason::None,
         100'000},
        {{.waiting = 10, .ended_per_second = 100, .wait_max_us = 100'000},
         RefusalReason::PredictedWait,
         110'000},
        {{.waiting = 10, .waiting_max = 10, .ended_per_second = 100, .wait_max_us = 1},
         RefusalReason::QueueLength,
         110'000},
        // Nobody waits: a low rate says nothing.
        {{.waiting = 0, .ended_per_second = 0.1, .wait_max_us = 1'000},
         RefusalReason::None,
         10'000'000},
        // The rate is not known.
        {{.waiting = 50, .ended_per_second = 0, .wait_max_us = 1'000}, RefusalReason::None, 0},
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
