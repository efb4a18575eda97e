// Each reason for which a server is held has its end.
#include "tests/support/script.hpp"

#include <gtest/gtest.h>

namespace penstock::proxy {
namespace {

using namespace test;
using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(Maintenance, SilenceInAnUnsyncedBatchHasTheTimeoutsOfATransaction) {
    struct Case {
        Duration Settings::*timeout;
        std::string sql_state;
    };
    const Case cases[]{
        {&Settings::idle_in_transaction_timeout, "25P03"},
        {&Settings::transaction_timeout, "25P04"},
        {&Settings::client_idle_timeout, "57P05"},
    };
    for (const PoolMode mode : {PoolMode::Transaction, PoolMode::Session}) {
        for (const Case& c : cases) {
            SCOPED_TRACE(c.sql_state);
            Settings settings = plain_settings();
            settings.pool_mode = mode;
            settings.*c.timeout = seconds(5);
            Script flushed = pooled(settings);
            flushed.client_sends(parse("", "select 1") + flush())
                .server_sends(parse_complete())
                .expects_to_client(parse_complete())
                .after(seconds(4))
                .expects_to_client("")
                .after(milliseconds(1500))
                .expects_error("a", c.sql_state)
                .expects_closed("a");
            flushed.fails_cleanly_at_each_step();
            Script parsed = pooled(settings);
            parsed.client_sends(parse("", "select 1"))
                .after(seconds(4))
                .expects_to_client("")
                .after(milliseconds(1500))
                .expects_error("a", c.sql_state)
                .expects_closed("a");
            parsed.fails_cleanly_at_each_step();
            Script copying = pooled(settings);
            copying.client_sends(query("copy"))
                .server_sends(copy_in_response())
                .expects_to_client(copy_in_response())
                .after(seconds(4))
                .expects_to_client("")
                .after(milliseconds(1500))
                .expects_error("a", c.sql_state)
                .expects_closed("a");
            copying.fails_cleanly_at_each_step();
        }
    }
}

TEST(Maintenance, ClientIdleTimeoutHoldsInSessionMode) {
    Settings settings = plain_settings();
    settings.pool_mode = PoolMode::Session;
    settings.client_idle_timeout = seconds(5);
    Script script = pooled(settings);
    script.after(seconds(4))
        .expects_to_client("")
        .after(milliseconds(1500))
        .expects_error("a", "57P05")
        .expects_closed("a")
        .expects_to_server(query("DISCARD ALL"));
    script.passes();
}

TEST(Maintenance, TransactionTimeoutCountsFromTheTransactionInSessionMode) {
    Settings settings = plain_settings();
    settings.pool_mode = PoolMode::Session;
    settings.transaction_timeout = seconds(5);
    Script script = pooled(settings);
    script.after(seconds(30))
        .client_sends(query("select 1"))
        .expects_to_server(query("select 1"))
        .after(seconds(4))
        .expects_to_client("")
        .server_sends(one_row("1"))
        .expects_to_client(one_row("1"));
    script.passes();
}

TEST(Maintenance, ServerThatIsNotCleanedInTimeIsClosed) {
    Settings settings = plain_settings();
    settings.cancel_wait_timeout = seconds(5);
    Script own = pooled(settings);
    own.client_sends(query("begin"))
        .server_sends(done("BEGIN", 'T'))
        .expects_to_client(done("BEGIN", 'T'))
        .client_sends(terminate())
        .expects_to_server(query("begin") + query("ROLLBACK"))
        .after(seconds(4))
        .expects_open_still("s")
        .after(milliseconds(1500))
        .expects_closed("s");
    own.fails_cleanly_at_each_step();

    settings.query_timeout = seconds(20);
    Script clients = pooled(settings);
    clients.client_sends(query("select 1") + terminate())
        .closes("a")
        .after(seconds(19))
        .expects_open_still("s")
        .after(seconds(2))
        .expects_closed("s");
    clients.fails_cleanly_at_each_step();
}

TEST(Maintenance, ClientThatReadsNothingIsCutOff) {
    Script script = pooled();
    script.client_sends(query("select 1"))
        .server_sends(row_description())
        .then([](ScriptPlay& play) {
            play.links.proxy.unread(play.link("a").id, play.links.now);
            play.links.perform();
        })
        .expects_closed("a")
        .expects_cancel("c")
        .closes("c")
        .server_sends(error_response().code("57014").message("x").bytes() + ready_for_query())
        .expects_open_still("s");
    script.fails_cleanly_at_each_step();
}

}  // namespace
}  // namespace penstock::proxy
