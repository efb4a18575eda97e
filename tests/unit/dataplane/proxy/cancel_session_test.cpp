// What the proxy sets on a session's server between the client's messages, when a cancel meets it.
#include "tests/support/cancel_script.hpp"

#include <gtest/gtest.h>

namespace penstock::proxy {
namespace {

using namespace test;

// What tags the server's application_name again behind a client's SET, or sets back what a RESET
// took away.
std::string own_request(const std::string& sql) {
    return parse("penstock", sql) + bind_statement("penstock", "penstock") + execute("penstock") +
           close('P', "penstock") + close('S', "penstock") + sync();
}
const std::string own_answer = parse_complete() + bind_complete() + command_complete("SET") +
                               close_complete() + close_complete() + ready_for_query();

TEST(Cancel, InModeSessionAnErrorOfOurOwnRequestIsNobodysAndItIsRepeated) {
    Settings settings = plain_settings();
    settings.pool_mode = PoolMode::Session;
    Script script = pooled(settings);
    const std::string status = parameter_status("application_name", "shop");
    const std::string own = own_request("SET application_name = 'penstock/1 shop'");
    script.client_sends(query("set application_name = 'shop'"))
        .expects_to_server(query("set application_name = 'shop'"))
        .server_sends(status + done("SET"))
        .expects_to_client(status + done("SET"))
        .expects_to_server(own)
        .client_sends(query("select 2"))
        .expects_to_server(query("select 2"))
        .server_sends(parse_complete() + canceled)
        .expects_to_client("")
        .server_sends(one_row("2"))
        .expects_to_client(one_row("2"))
        .expects_to_server(own)
        .server_sends(own_answer)
        .expects_to_client("");
    script.passes_in_all_ways();
}

TEST(Cancel, InModeSessionItFindsNothingWhereOnlyOurOwnRequestRuns) {
    Settings settings = plain_settings();
    settings.pool_mode = PoolMode::Session;
    Script script = pooled(settings);
    const std::string status = parameter_status("application_name", "shop");
    script.client_sends(query("set application_name = 'shop'"))
        .server_sends(status + done("SET"))
        .expects_to_client(status + done("SET"));
    asks_to_cancel(script, "k", "a")
        .expects_no_open()
        .expects_closed("k")
        .client_sends(query("select 2"))
        .server_sends(own_answer)
        .expects_no_open()
        .server_sends(one_row("2"))
        .expects_to_client(one_row("2"))
        .then([](ScriptPlay& play) { play.links.take_sent(play.index("s")); });
    script.passes();
}

TEST(Cancel, InModeSessionAResetIsSetBackInFrontOfWhatTheClientSaysNext) {
    Settings settings = plain_settings();
    settings.pool_mode = PoolMode::Session;
    Script script(settings);
    const std::string own = own_request("SET TimeZone = 'GMT'");
    script.opens("a")
        .client_sends(startup_message({{"user", "app"}, {"database", "orders"}, {"TimeZone", "GMT"}}
        ))
        .expects_to_client(authentication_ok())
        .expects_server("s")
        .server_logs_in("s")
        .expects_to_server(query("RESET TimeZone;SET TimeZone = 'GMT';"))
        .server_sends(parameter_status("TimeZone", "GMT") + done("SET"))
        .expects_welcome("a")
        .setup_ends()
        .client_sends(query("reset timezone"))
        .expects_to_server(query("reset timezone"))
        .server_sends(
            command_complete("RESET") + parameter_status("TimeZone", "UTC") + ready_for_query()
        )
        .expects_to_client(done("RESET"))
        .expects_to_server(own)
        .client_sends(query("select now()"))
        .server_sends(parse_complete() + canceled)
        .expects_to_client("")
        .expects_to_server(own)
        .server_sends(parameter_status("TimeZone", "GMT") + own_answer)
        .expects_to_server(query("select now()"))
        .server_sends(one_row("2"))
        .expects_to_client(one_row("2"));
    script.passes_in_all_ways();
}

}  // namespace
}  // namespace penstock::proxy
