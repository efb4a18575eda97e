#include "dataplane/net/workers.hpp"

#include "dataplane/net/cpus.hpp"

#include <signal.h>

namespace penstock::net {

Workers::Workers(
    std::uint32_t count,
    const std::shared_ptr<const Configuration>& configuration,
    const std::function<void()>& drained,
    boost::asio::io_context& lookups
)
    : board_(count, configuration->document.server_connections) {
    std::vector<Worker*> all;
    for (std::uint32_t i = 0; i < count; ++i) {
        workers_.push_back(std::make_unique<Worker>(i, board_, configuration, drained, lookups));
        all.push_back(workers_.back().get());
        metrics_.push_back(&workers_.back()->metrics());
    }
    const std::int32_t cpus = usable_cpus();
    for (const auto& worker : workers_) worker->set_peers(all, cpus, deriver_);
}

api::Result<std::uint16_t> Workers::listen(const std::string& address, std::uint16_t port) {
    for (const auto& worker : workers_) {
        auto bound = worker->listen(address, port);
        if (!bound) return bound;
        port = *bound;
    }
    return port;
}

void Workers::start() {
    // Signals are the control thread's.
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (const auto& worker : workers_) {
        threads_.emplace_back([&each = *worker] { each.run(); });
    }
    deriver_.start();
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void Workers::stop() {
    deriver_.stop();
    if (threads_.empty()) return;
    for (const auto& worker : workers_) worker->stop();
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
}

void Workers::configure(const std::shared_ptr<const Configuration>& configuration) {
    for (const auto& worker : workers_) worker->configure(configuration);
}

void Workers::limits_changed() {
    for (const auto& worker : workers_) worker->limits_changed();
}

void Workers::drain() {
    for (const auto& worker : workers_) worker->drain();
}

std::string Workers::server_error() const {
    for (const auto& worker : workers_) {
        std::string error = worker->server_error();
        if (!error.empty()) return error;
    }
    return {};
}

}  // namespace penstock::net
