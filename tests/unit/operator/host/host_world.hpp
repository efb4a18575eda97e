// What tests of the host share: a folder, an event loop, a program that stands in for
// penstock-proxy, and waiting for something to become true while the loop runs.
#pragma once

#include "operator/host/files.hpp"
#include "operator/host/host_proxy.hpp"
#include "tests/unit/operator/host/temporary_folder.hpp"

#include <functional>
#include <string>

#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

namespace penstock::host {

class HostWorld {
 public:
    HostWorld() {
        for (const char* name : {"proxies", "logs"})
            EXPECT_TRUE(make_folder(folder / name, FileMode::Private));
    }

    ProxySurroundings surroundings(const std::string& program = fake_proxy) {
        return {io, program, folder / "proxies", folder / "logs", [this] { ++news; }};
    }

    domain::Workload workload(
        const std::string& pool = "default/orders", std::int32_t port = 6432
    ) {
        domain::Workload workload;
        workload.pool = pool;
        workload.replicas = 2;
        workload.starts_allowed = 2;
        workload.restart_hash = "first";
        workload.config.pool = pool;
        workload.config.listen.port = port;
        workload.config.database.host = "db";
        workload.config.clients.authentication = api::Authentication::Trust;
        return workload;
    }

    // Runs the loop until it is true. False if that takes too long.
    bool await(
        const std::function<bool()>& is_true, const std::function<void()>& meanwhile = [] {}
    ) {
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        while (!is_true()) {
            if (std::chrono::steady_clock::now() > deadline) return false;
            meanwhile();
            io.restart();
            io.run_for(std::chrono::milliseconds(20));
        }
        return true;
    }

    static inline const std::string fake_proxy = PENSTOCK_SOURCE_DIR "/tests/local/fake_proxy.py";

    TemporaryFolder folder;
    boost::asio::io_context io{1};
    int news = 0;
};

}  // namespace penstock::host
