// All workers of the process, their threads and what they share. The control thread only, except
// where a callback says otherwise.
#pragma once

#include "dataplane/net/report.hpp"
#include "dataplane/net/worker.hpp"

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace penstock::net {

class Workers {
 public:
    // drained: called on each worker's thread once it has nobody left after drain().
    // lookups: as for a Worker.
    Workers(
        std::uint32_t count,
        const std::shared_ptr<const Configuration>& configuration,
        const std::function<void()>& drained,
        boost::asio::io_context& lookups
    );
    ~Workers() { stop(); }

    // All on the same port; 0 takes a free one. The port.
    api::Result<std::uint16_t> listen(const std::string& address, std::uint16_t port);
    void start();
    // Closes everything at once and waits for the threads.
    void stop();

    void configure(const std::shared_ptr<const Configuration>& configuration);
    void limits_changed();
    void drain();

    std::uint32_t count() const { return static_cast<std::uint32_t>(workers_.size()); }
    pool::Board& board() { return board_; }
    const AllMetrics& metrics() const { return metrics_; }
    // Of any worker; empty if none has a fault.
    std::string server_error() const;

 private:
    pool::Board board_;
    std::vector<std::unique_ptr<Worker>> workers_;
    AllMetrics metrics_;
    Deriver deriver_;
    std::vector<std::thread> threads_;
};

}  // namespace penstock::net
