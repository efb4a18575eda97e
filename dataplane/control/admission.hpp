// Admit, queue or refuse a transaction: by the length of its pool's queue and the wait that it
// predicts. A function of numbers, called once per transaction that cannot be served at once; the
// law is "predicted wait against budget".
#pragma once

#include <cstdint>

namespace penstock::control {

// Of one pool: another's queue must not refuse its clients.
struct AdmissionInput {
    std::int32_t waiting = 0;      // transactions that wait already
    std::int32_t waiting_max = 0;  // 0: no bound
    std::int64_t hold_us = 0;      // how long a transaction holds a server; 0: not known
    std::int32_t servers = 0;      // that it has, or may still open
    std::int64_t wait_max_us = 0;  // longest predicted wait that is queued; 0: no bound
};

enum class RefusalReason : std::uint8_t { None, QueueLength, PredictedWait };

struct Admission {
    RefusalReason refused = RefusalReason::None;
    std::int64_t predicted_wait_us = 0;  // 0: nobody waits, or nothing is known
};

Admission admit(const AdmissionInput& input);

}  // namespace penstock::control
