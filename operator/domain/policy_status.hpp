// Status and conditions of a Backpressure policy from what it is attached to and what its law
// found.
#pragma once

#include "operator/domain/attachment.hpp"
#include "operator/domain/memory.hpp"
#include "operator/domain/observed.hpp"

namespace penstock::domain {

// Numbers move in steps (quantise.hpp), so that a steady fleet gives the status that is written
// already.
api::BackpressureStatus policy_status(
    const api::Backpressure& policy,
    const Attachments& attachments,
    const Observed& observed,
    const Memory& memory,
    const Now& now
);

}  // namespace penstock::domain
