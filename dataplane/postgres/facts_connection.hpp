// One connection to PostgreSQL that asks it for the facts that reports carry (api::DatabaseFacts).
// Every wait has a deadline and ends early when the caller's wake descriptor becomes readable. One
// thread.
#pragma once

#include "crds/api/grant.hpp"
#include "crds/api/result.hpp"

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include <libpq-fe.h>

namespace penstock::postgres {

// Where to ask and as whom.
struct Target {
    std::string host;
    std::int32_t port = 5432;
    std::string database;
    std::string user;
    std::string password;          // may be empty
    std::string sslmode;           // libpq's word
    std::string ca_file;           // may be empty
    std::string application_name;  // "penstock-probe/ID"

    bool operator==(const Target&) const = default;
};

class FactsConnection {
 public:
    using Clock = std::chrono::steady_clock;

    // Connects. The error says which server and what PostgreSQL or the system said.
    static api::Result<FactsConnection> open(const Target& target, int wake_fd);

    // What changes from second to second (usage, role), over what was read by ask_settings().
    // After an error the connection is of no more use.
    api::Result<api::DatabaseFacts> ask();

 private:
    using Rows = std::vector<std::vector<std::string>>;
    struct Finish {
        void operator()(PGconn* connection) const { PQfinish(connection); }
    };

    FactsConnection(PGconn* connection, int wake_fd) : connection_(connection), wake_fd_(wake_fd) {}
    api::Result<void> wait(short events, Clock::time_point deadline) const;
    api::Result<Rows> query(const char* sql);
    api::Result<void> ask_settings();
    tl::unexpected<api::Error> fault(const std::string& text) const;

    std::unique_ptr<PGconn, Finish> connection_;
    int wake_fd_;
    std::string place_;  // "host:port", for messages
    std::string user_;
    api::DatabaseFacts settings_;       // what changes seldom
    Clock::time_point settings_due_{};  // ask for it again then
};

}  // namespace penstock::postgres
