// The work of the one replica that leads: rounds of observe, plan and act. Made when the Lease is
// won, ended with the process. Owned by the deciding thread.
#pragma once

#include "operator/domain/memory.hpp"
#include "operator/kube/alarm.hpp"
#include "operator/kube/kube_engine.hpp"
#include "operator/metrics/operator_metrics.hpp"

#include <chrono>
#include <functional>

namespace penstock::kube {

class Leading {
 public:
    // `is_leader` is asked before every round: without the Lease nothing is decided.
    Leading(
        boost::asio::io_context& io,
        Transport& transport,
        KubeEngine::Settings settings,
        std::uint64_t epoch,
        std::chrono::milliseconds interval,
        std::function<bool()> is_leader
    );

    void begin();
    // Everything has been listed and one round is over.
    bool ready() const { return counters_.reconciles > 0; }
    // Why it is not, or what goes wrong now; empty when all is well.
    std::string fault() const { return engine_.fault(); }

    void add_metrics(metrics::Families& families);

 private:
    void tick();
    void ask_starting();
    void round_soon();
    void round();

    Alarm ticks_;
    Alarm starting_;
    Alarm rounds_;
    const std::chrono::milliseconds interval_;
    std::function<bool()> is_leader_;
    KubeEngine engine_;
    domain::Memory memory_;
    metrics::OperatorCounters counters_;
    std::chrono::steady_clock::time_point last_round_{};
    bool is_round_due_ = false;
    std::string told_fault_;
};

}  // namespace penstock::kube
