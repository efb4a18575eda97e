// The control thread: everything of a proxy that is not the traffic. Reloads, grants, the admin
// port, the database's facts, signals and the end. Made once by main; run() blocks.
#pragma once

#include "dataplane/net/config_source.hpp"
#include "dataplane/net/console.hpp"
#include "dataplane/net/file_watch.hpp"
#include "dataplane/net/grant_desk.hpp"
#include "dataplane/net/workers.hpp"
#include "dataplane/postgres/facts.hpp"

#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

namespace penstock::net {

class Control {
 public:
    // first: has a configuration. The console must outlive this; it may be open already.
    Control(Console& console, std::string config_path, Identity identity, const Reading& first);

    // One that was taken before there was a Control. Before run().
    void start_with(const api::Grant& grant) { desk_.take(grant); }
    // Listens on all ports; false, and it is logged why, if that fails.
    bool open();
    // After open(): the port in use.
    std::uint16_t client_port() const { return client_port_; }
    // Serves until a signal, or drain_soon(), has ended it.
    void run();

    // Any thread. As SIGHUP and as SIGTERM.
    void reload_soon();
    void drain_soon();

 private:
    enum class Why { FilesChanged, Asked };
    void wait_for_signal();
    void reload(Why why);
    void drain();
    void hand_off();
    void worker_drained();
    void end();
    void watch_faults();
    AdminPages pages();
    bool take_grant(const api::Grant& grant);
    api::Report report();
    std::string metrics();

    const std::string config_path_;
    const Identity identity_;
    const std::shared_ptr<const Configuration> started_with_;
    std::shared_ptr<const Configuration> in_force_;
    std::string contents_;  // of the files that were read last
    std::vector<std::string> config_errors_;
    std::uint64_t reloads_ = 0;
    std::uint64_t reloads_refused_ = 0;
    std::int64_t start_time_seconds_ = 0;

    Console& console_;
    boost::asio::io_context& context_;  // the console's
    Workers workers_;
    GrantDesk desk_;
    postgres::Facts facts_;
    FileWatch watch_;
    boost::asio::signal_set signals_;
    boost::asio::steady_timer drain_start_;
    boost::asio::steady_timer drain_deadline_;
    boost::asio::steady_timer fault_timer_;
    std::string server_fault_;  // as logged last
    std::string facts_fault_;
    bool is_listening_ = false;
    bool is_draining_ = false;
    std::uint32_t workers_drained_ = 0;
    std::uint16_t client_port_ = 0;
};

}  // namespace penstock::net
