// What the proxy is known to do otherwise than PostgreSQL: the simulation leaves it out. Who mends
// one deletes its line and what it guards. Empty is the aim.
#pragma once

namespace penstock::test::known {

inline constexpr bool has_one_set_of_defaults = true;
inline constexpr bool has_other_errors_in_failed_transactions = false;
inline constexpr bool parses_anew_under_settings_in_flight = true;

}  // namespace penstock::test::known
