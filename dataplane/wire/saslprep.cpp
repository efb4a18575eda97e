#include "dataplane/wire/saslprep.hpp"

#include <algorithm>
#include <vector>

#include <stringprep.h>

namespace penstock::wire {
namespace {

// Libidn's profile with its steps in PostgreSQL's order (pg_saslprep): the input is judged before
// it is normalised, not after. It makes a difference for Hebrew and Arabic presentation forms.
std::vector<Stringprep_profile> make_profile() {
    std::vector<Stringprep_profile> steps;
    std::vector<Stringprep_profile> normalisation;
    for (const Stringprep_profile* step = stringprep_saslprep; step->operation != 0; ++step) {
        (step->operation == STRINGPREP_NFKC ? normalisation : steps).push_back(*step);
    }
    steps.insert(steps.end(), normalisation.begin(), normalisation.end());
    steps.emplace_back();  // the end
    return steps;
}

bool is_ascii(std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

}  // namespace

std::string saslprep(std::string_view password) {
    // PostgreSQL takes ASCII as it is, control characters too.
    if (is_ascii(password) || password.find('\0') != std::string_view::npos)
        return std::string{password};
    static const std::vector<Stringprep_profile> profile = make_profile();
    // NFKC makes at most 18 characters of one, and 11 bytes of one byte (U+FDFA).
    std::string text(password.size() * 12 + 64, '\0');
    std::ranges::copy(password, text.begin());
    const int result =
        stringprep(text.data(), text.size(), STRINGPREP_NO_UNASSIGNED, profile.data());
    text.resize(text.find('\0'));
    return result != STRINGPREP_OK || text.empty() ? std::string{password} : text;
}

}  // namespace penstock::wire
