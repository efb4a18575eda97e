// The proxy processes of all pools on this host: the workload part of the engine. Lives on its
// io_context's thread.
#pragma once

#include "operator/host/host_proxy.hpp"
#include "operator/host/restart_delay.hpp"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace penstock::host {

class HostFleet {
 public:
    // `secrets` is where the files of Secrets are, for naming those that are missing.
    HostFleet(ProxySurroundings surroundings, std::filesystem::path secrets);
    // Leaves the processes running.
    ~HostFleet();
    HostFleet(const HostFleet&) = delete;
    HostFleet& operator=(const HostFleet&) = delete;

    // Takes over what an earlier operator left running.
    void adopt();

    // As reconcile::Engine has them.
    std::vector<domain::Proxy> proxies() const;
    void apply(const domain::Workload& workload);
    void remove(const std::string& pool);
    void push(const domain::GrantPush& push);
    void forget(const std::string& proxy_id);

    // By pool: why the last apply() did not succeed.
    const std::map<std::string, std::string>& faults() const { return faults_; }
    // By pool: the Secrets it waits for, in words.
    const std::map<std::string, std::string>& missing() const { return missing_; }

    // Asks every proxy for a report.
    void exchange();
    // True while a proxy's admin port is not known: exchange() is then worth calling often.
    bool is_starting() const;
    // The Secrets' files have changed.
    void reload();
    // SIGTERM to all, and SIGKILL when their time to drain is over.
    void drain_all();
    void kill_all();
    // No process exists any more.
    bool all_gone() const;
    // Since this object was made.
    std::uint64_t started() const { return started_; }
    std::uint64_t crashed() const { return crashed_; }
    // Forgets every proxy that is Gone, with its files.
    void forget_gone();

 private:
    // Of one pool: when the next process may be started, and why it must wait.
    struct Starts {
        RestartDelay delay;
        std::string last_end;
    };
    struct Applied {
        std::int32_t port = 0;
        std::chrono::seconds drain_time{150};  // until SIGKILL
    };

    static void note(
        std::map<std::string, std::string>& words, const std::string& pool, const std::string& word
    );
    std::string port_fault(const domain::Workload& workload) const;
    void roll(const domain::Workload& workload);
    void start_proxies(const domain::Workload& workload, std::int32_t count);
    bool has_living(const std::string& pool) const;
    HostProxy* find(const std::string& proxy_id) const;
    std::chrono::seconds drain_time(const std::string& pool) const;
    void note_crashes();

    ProxySurroundings surroundings_;
    std::filesystem::path secrets_;
    std::vector<std::unique_ptr<HostProxy>> proxies_;
    std::vector<std::string> counted_crashes_;  // proxy ids whose end is in starts_ already
    std::uint64_t started_ = 0;
    std::uint64_t crashed_ = 0;
    std::map<std::string, Starts> starts_;
    std::map<std::string, Applied> applied_;
    std::map<std::string, std::string> faults_;
    std::map<std::string, std::string> missing_;
};

}  // namespace penstock::host
