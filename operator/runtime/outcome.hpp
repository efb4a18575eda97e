// What became of one attempt at something that may be tried again. A value.
#pragma once

#include "crds/api/result.hpp"

#include <chrono>
#include <variant>

namespace penstock::runtime {

struct Done {};  // nothing left to do until something changes
struct After {   // look again then
    std::chrono::milliseconds delay{};
};
struct Retry {  // it failed in a way that may pass: again after the key's back-off
    api::Error error;
};
struct Terminal {  // trying again cannot help: somebody must change something first
    api::Error error;
};

using Outcome = std::variant<Done, After, Retry, Terminal>;

}  // namespace penstock::runtime
