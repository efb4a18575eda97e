// A whole proxy inside the test: its configuration in a folder of its own, its control thread here,
// its workers beside it.
#pragma once

#include "crds/api/decode.hpp"
#include "crds/api/document.hpp"
#include "dataplane/net/control.hpp"
#include "tests/support/await.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/throwaway_postgres.hpp"

#include <functional>
#include <memory>
#include <string>
#include <thread>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

namespace penstock::test {

class RunningProxy {
 public:
    // more: YAML behind the fields that every test needs.
    explicit RunningProxy(std::uint16_t database_port, const std::string& more = default_clients)
        : database_port_(database_port) {
        spdlog::set_level(spdlog::level::err);
        folder_.write("token", "token");
        write_config(more);
        const net::Reading first = net::read_configuration(path(), identity_);
        for (const api::Error& fault : first.faults) ADD_FAILURE() << api::to_string(fault);
        if (!first.configuration) return;
        control_ = std::make_unique<net::Control>(console_, path(), identity_, first);
        if (!control_->open()) {
            ADD_FAILURE() << "cannot listen";
            return;
        }
        thread_ = std::thread([this] {
            control_->run();
            has_ended_ = true;
        });
        await([this] { return http("GET", "/readyz", "").starts_with("HTTP/1.1 200"); });
    }
    ~RunningProxy() {
        if (!thread_.joinable()) return;
        control_->drain_soon();
        control_->drain_soon();
        thread_.join();
    }

    static constexpr const char* default_clients =
        "database: {host: 127.0.0.1, port: PORT, tls: {mode: Disable}}\n"
        "clients: {authentication: Trust}\n";

    // PORT stands for the database's. Two workers, unless it says otherwise.
    void write_config(std::string more) const {
        if (more.find("workers:") == std::string::npos) more += "workers: 2\n";
        const std::size_t at = more.find("PORT");
        if (at != std::string::npos) more.replace(at, 4, std::to_string(database_port_));
        folder_.write(
            "proxy.yaml",
            "proxyId: test-1\npool: test/pool\nlisten: {address: 127.0.0.1, port: 0}\n"
            "admin: {port: 0, tokenFile: " +
                folder_.path("token") + "}\n" + more
        );
    }
    std::string path() const { return folder_.path("proxy.yaml"); }
    const TempDir& folder() const { return folder_; }
    net::Control& control() { return *control_; }
    bool has_ended() const { return has_ended_; }

    std::string conninfo(const std::string& more = "") const {
        return "host=127.0.0.1 user=postgres dbname=postgres sslmode=disable port=" +
               std::to_string(control_->client_port()) + " " + more;
    }
    Client connect(const std::string& more = "") const { return Client(conninfo(more)); }

    // The whole answer, with its status line.
    std::string http(const std::string& method, const std::string& target, const std::string& body)
        const {
        boost::asio::io_context context;
        boost::asio::ip::tcp::socket socket(context);
        boost::system::error_code error;
        socket.connect({boost::asio::ip::address_v4::loopback(), console_.admin_port()}, error);
        std::string answer;
        if (error) return answer;
        const std::string request = method + " " + target +
                                    " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                                    "Authorization: Bearer token\r\nContent-Length: " +
                                    std::to_string(body.size()) + "\r\n\r\n" + body;
        boost::asio::write(socket, boost::asio::buffer(request), error);
        boost::asio::read(socket, boost::asio::dynamic_buffer(answer), error);
        return answer;
    }
    api::Report report() const {
        const std::string answer = http("GET", "/v1/report", "");
        const std::size_t body = answer.find("\r\n\r\n");
        if (body == std::string::npos) return {};
        const auto document = api::parse_json(answer.substr(body + 4));
        if (!document) return {};
        return api::decode_leniently<api::Report>(*document, api::UnknownKeys::Ignore).value;
    }
    // Whether a report comes to fit within the usual time.
    bool await_report(const std::function<bool(const api::Report&)>& fits) const {
        return await([&] { return fits(report()); });
    }

 private:
    TempDir folder_;
    std::uint16_t database_port_;
    net::Identity identity_{"test-1", "mock"};
    net::Console console_;
    std::unique_ptr<net::Control> control_;
    std::thread thread_;
    std::atomic<bool> has_ended_{false};
};

}  // namespace penstock::test
