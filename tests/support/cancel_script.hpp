// Scripts of CancelRequests, and how PostgreSQL answers what was cancelled.
#pragma once

#include "tests/support/script.hpp"

#include <string>

namespace penstock::test {

inline const std::string canceled =
    error_response().code("57014").message("canceling statement due to user request").bytes() +
    ready_for_query();

// The CancelRequest that the BackendKeyData in this client's welcome asks for.
inline std::string cancel_of(ScriptPlay& play, const std::string& client) {
    for (const Message& message : messages(play.link(client).all_sent)) {
        if (message.type != 'K') continue;
        return cancel_request(wire::load_u32(message.body.data()), message.body.substr(4));
    }
    ADD_FAILURE() << client << " has no key";
    return {};
}

// `canceller` connects and asks for `client`'s query to be cancelled.
inline Script& asks_to_cancel(
    Script& script, const std::string& canceller, const std::string& client
) {
    return script.opens(canceller).then([=](ScriptPlay& play) {
        play.links.receive(play.index(canceller), cancel_of(play, client));
    });
}

}  // namespace penstock::test
