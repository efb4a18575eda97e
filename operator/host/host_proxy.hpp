// One proxy process: started or taken over, told its configuration and its grants, asked for
// reports, drained, and awaited. Outlives nothing: destroying it leaves the process running. Lives
// on its io_context's thread.
#pragma once

#include "operator/domain/observed.hpp"
#include "operator/domain/plan.hpp"
#include "operator/host/process.hpp"
#include "operator/host/proxy_folder.hpp"
#include "operator/http/exchange.hpp"

#include <functional>
#include <memory>
#include <string>

namespace penstock::host {

// What all proxies of one operator have in common.
struct ProxySurroundings {
    boost::asio::io_context& io;
    std::filesystem::path program;  // penstock-proxy
    std::filesystem::path proxies;  // each has a folder below it
    std::filesystem::path logs;     // each pool has a file below it
    std::function<void()> on_news;  // something in seen() has changed
};

class HostProxy {
 public:
    // Starts a process for the workload.
    static api::Result<std::unique_ptr<HostProxy>> start(
        const ProxySurroundings& surroundings, const domain::Workload& workload
    );
    // Takes over one that an earlier operator started. It is Gone if the record says so or it has
    // ended since.
    static std::unique_ptr<HostProxy> adopt(
        const ProxySurroundings& surroundings, const ProxyRecord& record
    );
    HostProxy(const HostProxy&) = delete;
    HostProxy& operator=(const HostProxy&) = delete;

    const domain::Proxy& seen() const { return seen_; }
    // It ended without having been told to.
    bool has_crashed() const { return crashed_; }

    // Writes the workload's configuration if it is another one, and has the proxy read it.
    api::Result<void> configure(const api::DataplaneConfig& config);
    // Has the proxy read its configuration and secrets again.
    void reload();
    // Sends the grant at once, or after the exchange that is under way. A newer one replaces one
    // that waits.
    void push(const api::Grant& grant);
    // To be called regularly: kills it if its time to drain is over, and asks for a report unless
    // an exchange is under way or the admin port is not known yet.
    void exchange();
    // SIGTERM now, SIGKILL if it has not ended after `time`.
    void drain(std::chrono::seconds time);
    void kill();
    // The folder is removed. Requires: it is Gone.
    void remove_files();

 private:
    HostProxy(const ProxySurroundings& surroundings, ProxyRecord record);

    void watch();
    void ended(const std::string& how);
    void send_report_request();
    void on_report(api::Result<api::Report> report, domain::Time asked);
    void ask_if_ready();
    void exchange_failed(std::string fault);
    void save_record();

    const ProxySurroundings& surroundings_;
    ProxyFolder folder_;
    ProxyRecord record_;
    domain::Proxy seen_;
    bool crashed_ = false;
    std::optional<domain::Time> kill_at_;  // set once it drains
    bool was_killed_ = false;
    std::optional<api::Grant> waiting_grant_;
    std::unique_ptr<Process> process_;
    std::unique_ptr<http::Exchange> exchange_;
};

}  // namespace penstock::host
