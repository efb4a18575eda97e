// What servers report: who asked for it, and who is told.
#include "tests/support/script.hpp"

#include <gtest/gtest.h>

namespace penstock::proxy {
namespace {

using namespace test;

// A client's query is under way.
Script asking() {
    Script script = pooled();
    script.client_sends(query("select 1")).expects_to_server(query("select 1"));
    return script;
}

TEST(ProxyParameters, ReportedParametersReachTheClientAndFollowIt) {
    Script script = pooled();
    const std::string sql = query("select set_config('TimeZone', 'Europe/Berlin', false)");
    script.client_sends(sql).expects_to_server(sql);
    const std::string status = parameter_status("TimeZone", "Europe/Berlin");
    script.server_sends(status + done("DO"))
        .expects_to_client(status + done("DO"))
        .logs_in("b")
        .client_sends("b", query("select 2"))
        // It asked for nothing, and the look for its login reset what "a" had set.
        .expects_to_server(query("select 2"))
        .server_sends(one_row("2"))
        .expects_to_client("b", one_row("2"))
        .client_sends(query("select 3"))
        .expects_to_server(query("SET TimeZone = 'Europe/Berlin';") + query("select 3"))
        .server_sends(status + done("SET") + one_row("3"))
        .expects_to_client(one_row("3"));
    script.passes_in_all_ways();
}

TEST(ProxyParameters, ParametersThatAreNotTrackedAreForwarded) {
    Script script = asking();
    const std::string status = parameter_status("is_superuser", "on");
    script.server_sends(status + done("DO")).expects_to_client(status + done("DO"));
    script.passes_in_all_ways();
}

TEST(ProxyParameters, ReplayIsToldToNobody) {
    Script script = pooled();
    const std::string status = parameter_status("DateStyle", "German, DMY");
    script.logs_in_with("b", "s", "DateStyle", "german", "German, DMY")
        .client_sends(query("select 2"))
        .expects_to_server(query("RESET DateStyle;") + query("select 2"))
        .server_sends(parameter_status("DateStyle", "ISO, MDY") + done("SET") + one_row("2"))
        .expects_to_client(one_row("2"))
        .client_sends("b", query("select 3"))
        .expects_to_server(query("SET DateStyle = 'German, DMY';") + query("select 3"))
        .server_sends(status + done("SET") + one_row("3"))
        .expects_to_client("b", one_row("3"));
    script.passes_in_all_ways();
}

TEST(ProxyParameters, ValueThatAReplayMakesAnotherIsToldOnce) {
    Script script = pooled();
    const std::string status = parameter_status("DateStyle", "ISO, DMY");
    script.logs_in_with("b", "s", "DateStyle", "german", "German, DMY")
        .client_sends(query("select 2"))
        .expects_to_server(query("RESET DateStyle;") + query("select 2"))
        .server_sends(status + done("SET") + one_row("2"))
        .expects_to_client(status + one_row("2"))
        .client_sends(query("select 3"))
        .expects_to_server(query("select 3"))
        .server_sends(one_row("3"))
        .expects_to_client(one_row("3"));
    script.passes_in_all_ways();
}

TEST(ProxyParameters, ReplayThatFailsEndsTheClientWithTheDatabasesWords) {
    Script script = pooled();
    const std::string refused =
        error_response().code("22023").message("invalid value for \"TimeZone\"").bytes();
    script.logs_in_with("b", "s", "TimeZone", "GMT", "GMT")
        .client_sends(query("select 1"))
        .expects_to_server(query("RESET TimeZone;") + query("select 1"))
        .server_sends(refused)
        .expects_error("a", "22023")
        .expects_closed("a")
        .expects_cancel("c")
        .expects_to_server("c", cancel_request(4711, "\1\2\3\4"))
        .expects_open_still("s")
        .expects_open_still("b");
    script.passes_in_all_ways();
}

TEST(ProxyParameters, ClientsApplicationNameIsTaggedAndTakenOffAgain) {
    Script script = asking();
    script.server_sends(parameter_status("application_name", "mine") + done("DO"))
        .expects_to_client(parameter_status("application_name", "mine") + done("DO"))
        // The database counts our connections by the tag.
        .expects_to_server(query("RESET application_name"))
        .server_sends(parameter_status("application_name", "penstock/1") + done("SET"))
        .expects_to_client("")
        .client_sends(query("select 2"))
        .expects_to_server(query("SET application_name = 'penstock/1 mine';") + query("select 2"))
        .server_sends(
            parameter_status("application_name", "penstock/1 mine") + done("SET") + one_row("2")
        )
        .expects_to_client(one_row("2"))
        .expects_to_server("");
    script.passes_in_all_ways();
}

}  // namespace
}  // namespace penstock::proxy
