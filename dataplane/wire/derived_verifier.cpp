#include "dataplane/wire/derived_verifier.hpp"

namespace penstock::wire {

const ScramVerifier& DerivedVerifier::derive() const {
    if (const ScramVerifier* const made = ready()) return *made;
    auto mine = std::make_unique<const ScramVerifier>(
        scram_verifier(scram_keys(password_, salt_, iterations_))
    );
    const ScramVerifier* expected = nullptr;
    // Another thread may have been quicker: then its result counts, which is the same.
    if (made_.compare_exchange_strong(expected, mine.get(), std::memory_order_acq_rel)) {
        return *mine.release();
    }
    return *expected;
}

}  // namespace penstock::wire
