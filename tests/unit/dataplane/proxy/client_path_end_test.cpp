// The end of a client's stream while it waits.
#include "tests/support/script.hpp"

#include <gtest/gtest.h>

namespace penstock::proxy {
namespace {

using namespace test;

TEST(ClientPathEnd, WaitingClientThatEndsIsServedFirst) {
    const auto ends = [](ScriptPlay& play) { play.links.end(play.index("b")); };
    for (const bool says_goodbye : {false, true}) {
        Script script = pooled(plain_settings(), 1);
        script.logs_in("b")
            .client_sends(query("begin"))
            .server_sends(done("BEGIN", 'T'))
            .expects_to_client(done("BEGIN", 'T'))
            .expects_to_server(query("begin"))
            .client_sends(
                "b", query("insert 1") + query("insert 2") + (says_goodbye ? terminate() : "")
            )
            .then(ends)
            .expects_open_still("b")
            .client_sends(query("commit"))
            .server_sends(done("COMMIT"))
            .expects_to_client(done("COMMIT"))
            .expects_to_server(query("commit") + query("insert 1") + query("insert 2"))
            .server_sends(done("INSERT 0 1") + done("INSERT 0 1"))
            .expects_to_client("b", done("INSERT 0 1") + done("INSERT 0 1"))
            .expects_closed("b")
            .expects_open_still("s");
        script.passes();
    }
}

TEST(ClientPathEnd, WaitingClientThatEndsAndIsResetIsServedToo) {
    Script script = pooled(plain_settings(), 1);
    script.logs_in("b")
        .client_sends(query("begin"))
        .server_sends(done("BEGIN", 'T'))
        .expects_to_client(done("BEGIN", 'T'))
        .expects_to_server(query("begin"))
        .client_sends("b", query("insert 1"))
        .then([](ScriptPlay& play) { play.links.end(play.index("b")); })
        .closes("b")
        .client_sends(query("commit"))
        .server_sends(done("COMMIT"))
        .expects_to_client(done("COMMIT"))
        .expects_to_server(query("commit") + query("insert 1"))
        .server_sends(done("INSERT 0 1"))
        .then([](ScriptPlay& play) {
            EXPECT_EQ(play.links.proxy.metrics().clients.get(), 1U);
            EXPECT_EQ(play.links.proxy.metrics().clients_waiting.get(), 0U);
        })
        .expects_open_still("s");
    script.passes();
}

}  // namespace
}  // namespace penstock::proxy
