#include "dataplane/control/admission.hpp"

namespace penstock::control {

Admission admit(const AdmissionInput& input) {
    Admission admission;
    if (input.ended_per_second > 0) {
        const double seconds = (input.waiting + 1) / input.ended_per_second;
        admission.predicted_wait_us = static_cast<std::int64_t>(seconds * 1e6);
    }
    if (input.waiting_max > 0 && input.waiting >= input.waiting_max) {
        admission.refused = RefusalReason::QueueLength;
    } else if (input.wait_max_us > 0 && input.waiting > 0 && admission.predicted_wait_us > input.wait_max_us) {
        // With nobody waiting the prediction rests on a rate that may be low for want of work, not
        // of room.
        admission.refused = RefusalReason::PredictedWait;
    }
    return admission;
}

}  // namespace penstock::control
