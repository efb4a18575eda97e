#include "dataplane/control/admission.hpp"

#include <algorithm>

namespace penstock::control {

Admission admit(const AdmissionInput& input) {
    Admission admission;
    admission.predicted_wait_us =
        input.waiting * input.hold_us / std::max<std::int64_t>(1, input.servers);
    if (input.waiting_max > 0 && input.waiting >= input.waiting_max) {
        admission.refused = RefusalReason::QueueLength;
    } else if (input.wait_max_us > 0 && admission.predicted_wait_us > input.wait_max_us) {
        admission.refused = RefusalReason::PredictedWait;
    }
    return admission;
}

}  // namespace penstock::control
