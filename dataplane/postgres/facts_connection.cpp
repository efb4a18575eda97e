#include "dataplane/postgres/facts_connection.hpp"

#include <array>
#include <charconv>
#include <string_view>

#include <poll.h>

namespace penstock::postgres {
namespace {

constexpr std::chrono::seconds connect_timeout{5};
constexpr std::chrono::seconds query_timeout{5};
// The server gives up before we do, so that nothing is left running there.
constexpr const char* server_options = "-c statement_timeout=4000 -c lock_timeout=2000";
constexpr std::chrono::seconds settings_every{60};

constexpr const char* settings_sql =
    "SELECT current_setting('max_connections'),"
    " current_setting('superuser_reserved_connections'),"
    " coalesce(current_setting('reserved_connections', true), '0'),"
    " current_setting('server_version_num'),"
    " (SELECT system_identifier FROM pg_catalog.pg_control_system())";

// backend_type is hidden from a role that may not see others' sessions.
constexpr const char* usage_sql =
    "SELECT pg_catalog.split_part(coalesce(application_name, ''), ' ', 1),"
    " pg_catalog.count(*) FILTER (WHERE backend_type = 'client backend'),"
    " pg_catalog.count(*) FILTER (WHERE backend_type IS NULL),"
    " pg_catalog.pg_is_in_recovery()"
    " FROM pg_catalog.pg_stat_activity GROUP BY 1";

constexpr std::string_view tag_prefix = "penstock/";

std::int32_t number(const std::string& text) {
    std::int32_t value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

// libpq ends its messages with a newline and may have several lines.
std::string one_line(const char* message) {
    std::string text = message;
    while (!text.empty() && text.back() == '\n') text.pop_back();
    for (std::size_t at = text.find('\n'); at != std::string::npos; at = text.find('\n', at)) {
        text.replace(at, 1, "; ");
    }
    return text;
}

}  // namespace

tl::unexpected<api::Error> FactsConnection::fault(const std::string& text) const {
    return tl::unexpected(api::Error{place_, text});
}

api::Result<FactsConnection> FactsConnection::open(const Target& target, int wake_fd) {
    const std::string port = std::to_string(target.port);
    std::vector<const char*> keys;
    std::vector<const char*> values;
    const auto set = [&](const char* key, const std::string& value) {
        if (value.empty()) return;
        keys.push_back(key);
        values.push_back(value.c_str());
    };
    const std::string options = server_options;
    set("host", target.host);
    set("port", port);
    set("dbname", target.database);
    set("user", target.user);
    set("password", target.password);
    set("sslmode", target.sslmode);
    set("sslrootcert", target.ca_file);
    set("application_name", target.application_name);
    set("options", options);
    keys.push_back(nullptr);
    values.push_back(nullptr);

    FactsConnection self(PQconnectStartParams(keys.data(), values.data(), 0), wake_fd);
    self.place_ = target.host + ":" + port;
    self.user_ = target.user;
    PGconn* const connection = self.connection_.get();
    if (connection == nullptr) return self.fault("out of memory");
    const Clock::time_point deadline = Clock::now() + connect_timeout;
    for (;;) {
        if (PQstatus(connection) == CONNECTION_BAD) {
            return self.fault(one_line(PQerrorMessage(connection)));
        }
        const PostgresPollingStatusType step = PQconnectPoll(connection);
        if (step == PGRES_POLLING_OK) break;
        if (step == PGRES_POLLING_FAILED) return self.fault(one_line(PQerrorMessage(connection)));
        const short events = step == PGRES_POLLING_WRITING ? POLLOUT : POLLIN;
        if (auto ready = self.wait(events, deadline); !ready) {
            return tl::unexpected(std::move(ready.error()));
        }
    }
    PQsetnonblocking(connection, 1);
    return self;
}

api::Result<void> FactsConnection::wait(short events, Clock::time_point deadline) const {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    std::array<pollfd, 2> waits{
        pollfd{PQsocket(connection_.get()), events, 0}, pollfd{wake_fd_, POLLIN, 0}};
    const int ready = left > 0 ? ::poll(waits.data(), waits.size(), static_cast<int>(left)) : 0;
    if (waits[1].revents != 0) return fault("given up: the proxy stops or has a new configuration");
    if (ready == 0) return fault("no answer within 5 seconds");
    return {};
}

api::Result<FactsConnection::Rows> FactsConnection::query(const char* sql) {
    PGconn* const connection = connection_.get();
    const auto failed = [&] { return fault(one_line(PQerrorMessage(connection))); };
    const Clock::time_point deadline = Clock::now() + query_timeout;
    if (PQsendQuery(connection, sql) != 1) return failed();
    for (int unsent = PQflush(connection); unsent != 0; unsent = PQflush(connection)) {
        if (unsent < 0) return failed();
        if (auto ready = wait(POLLOUT | POLLIN, deadline); !ready) {
            return tl::unexpected(std::move(ready.error()));
        }
        if (PQconsumeInput(connection) != 1) return failed();
    }
    Rows rows;
    for (;;) {
        while (PQisBusy(connection) == 1) {
            if (auto ready = wait(POLLIN, deadline); !ready) {
                return tl::unexpected(std::move(ready.error()));
            }
            if (PQconsumeInput(connection) != 1) return failed();
        }
        const std::unique_ptr<PGresult, decltype(&PQclear)> result(
            PQgetResult(connection), &PQclear
        );
        if (!result) return rows;
        if (PQresultStatus(result.get()) != PGRES_TUPLES_OK) {
            return fault(one_line(PQresultErrorMessage(result.get())));
        }
        for (int row = 0; row < PQntuples(result.get()); ++row) {
            std::vector<std::string>& fields = rows.emplace_back();
            for (int column = 0; column < PQnfields(result.get()); ++column) {
                fields.emplace_back(PQgetvalue(result.get(), row, column));
            }
        }
    }
}

api::Result<void> FactsConnection::ask_settings() {
    auto rows = query(settings_sql);
    if (!rows) return tl::unexpected(std::move(rows.error()));
    if (rows->size() != 1) return fault("gave no settings");
    const std::vector<std::string>& row = rows->front();
    settings_.max_connections = number(row[0]);
    settings_.superuser_reserved_connections = number(row[1]);
    settings_.reserved_connections = number(row[2]);
    settings_.server_version = number(row[3]);
    settings_.system_identifier = row[4];
    settings_due_ = Clock::now() + settings_every;
    return {};
}

api::Result<api::DatabaseFacts> FactsConnection::ask() {
    if (Clock::now() >= settings_due_) {
        if (auto asked = ask_settings(); !asked) return tl::unexpected(std::move(asked.error()));
    }
    auto rows = query(usage_sql);
    if (!rows) return tl::unexpected(std::move(rows.error()));
    api::DatabaseFacts facts = settings_;
    for (const std::vector<std::string>& row : *rows) {
        if (number(row[2]) > 0) {
            return fault(
                "the role \"" + user_ +
                "\" may not see other roles' sessions; run: GRANT pg_monitor TO \"" + user_ + "\""
            );
        }
        if (row[0].starts_with(tag_prefix)) {
            facts.seen[row[0]] += number(row[1]);
        } else {
            facts.others += number(row[1]);
        }
        facts.in_recovery = row[3] == "t";
    }
    return facts;
}

}  // namespace penstock::postgres
