// SASLprep (RFC 4013) of passwords, as PostgreSQL does it before SCRAM. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

namespace penstock::wire {

// The password's normal form; the password as it is where it has none: it is not valid UTF-8, has
// characters that are prohibited or that Unicode 3.2 did not know, or nothing would be left of it.
std::string saslprep(std::string_view password);

}  // namespace penstock::wire
