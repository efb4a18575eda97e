// What the proxy is known to do otherwise than PostgreSQL: the simulation leaves it out. Who mends
// one deletes its line and what it guards. Empty is the aim.
#pragma once

namespace penstock::test::known {

// A Parse behind a SET that the same batch executes: what the SET makes of the setting is reported
// at the batch's end only, so on another server the statement is parsed under the value before it.
inline constexpr bool misses_settings_of_its_batch = true;

}  // namespace penstock::test::known
