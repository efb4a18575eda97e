// A real PostgreSQL for one test: its own data folder, a free port on loopback, everybody trusted
// unless pg_hba says otherwise. Superuser "postgres".
#pragma once

#include "tests/support/child.hpp"
#include "tests/support/temp_dir.hpp"

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <libpq-fe.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace penstock::test {

// A port that was free a moment ago.
inline std::uint16_t free_port() {
    const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ::bind(fd, reinterpret_cast<sockaddr*>(&address), size);
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
    ::close(fd);
    return ntohs(address.sin_port);
}

struct Answer {
    bool ok = false;
    std::string value;      // first field of the first row
    std::string error;      // the whole message
    std::string sql_state;  // of an error
};

// A client over libpq.
class Client {
 public:
    explicit Client(const std::string& conninfo) : connection_(PQconnectdb(conninfo.c_str())) {}

    bool is_connected() const { return PQstatus(connection_.get()) == CONNECTION_OK; }
    std::string error() const { return PQerrorMessage(connection_.get()); }
    PGconn* get() { return connection_.get(); }

    Answer ask(const std::string& sql) {
        const std::unique_ptr<PGresult, decltype(&PQclear)> result(
            PQexec(connection_.get(), sql.c_str()), &PQclear
        );
        Answer answer;
        const ExecStatusType status = PQresultStatus(result.get());
        answer.ok = status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK;
        if (status == PGRES_TUPLES_OK && PQntuples(result.get()) > 0) {
            answer.value = PQgetvalue(result.get(), 0, 0);
        }
        if (!answer.ok) {
            answer.error = PQerrorMessage(connection_.get());
            const char* const state = PQresultErrorField(result.get(), PG_DIAG_SQLSTATE);
            answer.sql_state = state != nullptr ? state : "";
        }
        return answer;
    }

 private:
    struct Finish {
        void operator()(PGconn* connection) const { PQfinish(connection); }
    };
    std::unique_ptr<PGconn, Finish> connection_;
};

// The newest version's folder of programs, or nothing.
inline std::optional<std::string> postgres_programs() {
    std::optional<std::string> found;
    std::error_code none;
    int newest = 0;
    for (const auto& entry : std::filesystem::directory_iterator("/usr/lib/postgresql", none)) {
        const int version = std::atoi(entry.path().filename().c_str());
        if (version <= newest || !std::filesystem::exists(entry.path() / "bin/initdb")) continue;
        newest = version;
        found = entry.path() / "bin";
    }
    return found;
}

class ThrowawayPostgres {
 public:
    explicit ThrowawayPostgres(const std::string& settings = "") : port_(free_port()) {
        const std::string programs = postgres_programs().value_or("/usr/lib/postgresql");
        const std::string data = folder_.path("data");
        std::filesystem::permissions(folder_.path(), std::filesystem::perms::all);
        const int made = Child(
                             {programs + "/initdb",
                              "-D",
                              data,
                              "-A",
                              "trust",
                              "-U",
                              "postgres",
                              "-N",
                              "--no-locale",
                              "-E",
                              "UTF8"},
                             folder_.path("initdb.log"),
                             "postgres"
        )
                             .wait();
        if (made != 0) {
            ADD_FAILURE() << "initdb: " << folder_.read("initdb.log");
            return;
        }
        std::ofstream(data + "/postgresql.conf", std::ios::app)
            << "listen_addresses = '127.0.0.1'\nport = " << port_
            << "\nunix_socket_directories = ''\nfsync = off\nshared_buffers = 16MB\n"
            << "max_connections = 40\n"
            << settings << "\n";
        server_ = std::make_unique<Child>(
            std::vector<std::string>{programs + "/postgres", "-D", data},
            folder_.path("postgres.log"),
            "postgres"
        );
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
        while (PQping(conninfo().c_str()) != PQPING_OK) {
            if (std::chrono::steady_clock::now() > deadline) {
                ADD_FAILURE() << "PostgreSQL does not start: " << folder_.read("postgres.log");
                return;
            }
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
        }
    }
    ~ThrowawayPostgres() {
        if (server_) server_->stop(SIGQUIT);
    }

    std::uint16_t port() const { return port_; }
    const TempDir& folder() const { return folder_; }
    std::string conninfo() const {
        return "host=127.0.0.1 user=postgres dbname=postgres port=" + std::to_string(port_);
    }
    Client connect() const { return Client(conninfo()); }

 private:
    TempDir folder_;
    std::uint16_t port_;
    std::unique_ptr<Child> server_;
};

}  // namespace penstock::test
