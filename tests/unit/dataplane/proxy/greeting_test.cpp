// What a new session would be told now.
#include "tests/support/script.hpp"

#include <gtest/gtest.h>

namespace penstock::proxy {
namespace {

using namespace test;
using std::chrono::milliseconds;

TEST(Greeting, ServerThatDiffersFromANewSessionIsReplacedFirst) {
    Script script = pooled();
    script.then([](ScriptPlay& play) { play.links.fingerprint = "2"; })
        .opens("b")
        .client_sends("b", Script::startup_of_client())
        .expects_to_client("b", authentication_ok())
        .expects_closed("s")
        .expects_server("t")
        .then([](ScriptPlay& play) {
            play.links.take_sent(play.index("s"));
            play.links.take_sent(play.index("t"));
        })
        .server_sends(
            "t",
            authentication_ok() + parameter_status("TimeZone", "Asia/Tokyo") +
                backend_key_data(4712, "\1\2\3\4") + ready_for_query()
        )
        .then([](ScriptPlay& play) {
            const std::string sent = readable(play.links.take_sent(play.index("b")));
            EXPECT_TRUE(sent.starts_with("S(TimeZone.Asia/Tokyo.) K(")) << sent;
        });
    script.passes();
}

TEST(Greeting, LoginWaitsForALookNoLongerThanATenthOfASecond) {
    Script script = pooled(plain_settings(), 1);
    script.client_sends(query("select 1"))
        .expects_to_server(query("select 1"))
        .opens("b")
        .client_sends("b", Script::startup_of_client())
        .expects_to_client("b", authentication_ok())
        .after(milliseconds(50))
        .expects_to_client("b", "")
        .after(milliseconds(100))
        .expects_welcome("b")
        .server_sends(one_row("1"))
        .expects_to_client(one_row("1"));
    script.passes_in_all_ways();
}

TEST(Greeting, LookBehindAServersLoginWelcomesAndOpensNoOther) {
    Script script;
    script.then([](ScriptPlay& play) { play.links.fingerprint.clear(); })
        .opens("a")
        .client_sends(Script::startup_of_client() + query("select 1"))
        .expects_to_client(authentication_ok())
        .expects_server("s")
        .server_logs_in("s")
        .expects_to_client("")
        .then([](ScriptPlay& play) { play.links.take_sent(play.index("s")); })
        .expects_no_open()
        .server_sends(data_row("1") + done("SELECT 1"))
        .expects_welcome("a")
        .expects_to_server(query("select 1"))
        .server_sends(one_row("1"))
        .expects_to_client(one_row("1"));
    script.passes();
    script.fails_cleanly_at_each_step();
}

TEST(Greeting, LookThatFailsIsNotRepeated) {
    Script script = pooled();
    script.then([](ScriptPlay& play) { play.links.fingerprint.clear(); })
        .opens("b")
        .client_sends("b", Script::startup_of_client())
        .expects_to_client("b", authentication_ok())
        .then([](ScriptPlay& play) { play.links.take_sent(play.index("s")); })
        .server_sends(
            error_response().code("42P01").message("no catalog").bytes() + ready_for_query()
        )
        .expects_to_server(query("RESET SESSION AUTHORIZATION;RESET ROLE;RESET ALL;"))
        .expects_welcome("b")
        .server_sends(done("RESET"))
        .opens("d")
        .client_sends("d", Script::startup_of_client())
        .expects_welcome("d")
        .expects_to_server("");
    script.passes();
    script.fails_cleanly_at_each_step();
}

}  // namespace
}  // namespace penstock::proxy
