// Workers of a proxy without its control thread, for a configuration in a folder of the test's own.
#pragma once

#include "dataplane/net/config_source.hpp"
#include "dataplane/net/workers.hpp"
#include "tests/support/temp_dir.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <utility>

#include <gtest/gtest.h>

namespace penstock::test {

class IdleWorkers {
 public:
    explicit IdleWorkers(
        std::uint32_t count, std::function<void()> drained = [] {}
    ) {
        folder_.write(
            "proxy.yaml",
            "proxyId: test-1\npool: test/pool\nlisten: {address: 127.0.0.1, port: 0}\n"
            "database: {host: 127.0.0.1, port: 1, tls: {mode: Disable}}\n"
            "clients: {authentication: Trust}\n"
        );
        const net::Reading reading =
            net::read_configuration(folder_.path("proxy.yaml"), {"test-1", "mock"});
        for (const api::Error& fault : reading.faults) ADD_FAILURE() << api::to_string(fault);
        workers_ = std::make_unique<net::Workers>(
            count, reading.configuration, std::move(drained), lookups_
        );
    }
    net::Workers* operator->() { return workers_.get(); }

 private:
    TempDir folder_;
    boost::asio::io_context lookups_;  // nobody runs it: the database is a number
    std::unique_ptr<net::Workers> workers_;
};

}  // namespace penstock::test
