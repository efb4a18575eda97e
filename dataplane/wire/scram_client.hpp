// The client's side of one SCRAM-SHA-256 exchange, over the texts of its four messages; their
// framing is the caller's. Logs in with a password, or with the keys that an earlier exchange
// yielded. Owned by one server's login; not thread safe, does no IO. Says "n": channel binding is
// not used.
#pragma once

#include "dataplane/wire/scram.hpp"

#include <optional>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

namespace penstock::wire {

class ScramClient {
 public:
    // `keys` are used if they are of the server's salt and iterations, else the password, if there
    // is one. `nonce`: fresh random for each exchange. Requires: is_scram_nonce(nonce); a password
    // or keys.
    ScramClient(
        std::optional<std::string> password, std::optional<ScramKeys> keys, std::string_view nonce
    );

    // client-first-message. The user is left empty: PostgreSQL takes the StartupMessage's.
    std::string first() const;
    // server-first-message -> client-final-message; or, in words, why not. Costs scram_keys() if
    // `keys` do not fit.
    tl::expected<std::string, std::string> final(std::string_view message);
    // server-final-message: nothing if the server has proved that it knows this password's
    // verifier; or, in words, why not. Requires: final() succeeded.
    tl::expected<void, std::string> check(std::string_view message) const;

    // The keys of the server's salt, for the next login. Requires: final() succeeded.
    ScramKeys take_keys();

 private:
    std::optional<std::string> password_;
    std::optional<ScramKeys> keys_;
    std::string nonce_;
    std::string auth_message_;  // empty until final()
};

}  // namespace penstock::wire
