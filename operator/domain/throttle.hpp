// A Backpressure policy's law for one pool: how many transactions may run at once so that the
// latency target is kept. Additive-multiplicative: down by a share of what really ran while the
// target is missed, up by a share while it is kept and the limit binds. Never reacts to too few
// samples. A value; no IO.
#pragma once

#include "crds/api/backpressure.hpp"
#include "crds/api/grant.hpp"
#include "operator/domain/latency_window.hpp"
#include "operator/domain/observed.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace penstock::domain {

class Throttle {
 public:
    // Takes what the reports say and moves the limit when a period has passed. `granted`: server
    // connections of the pool's proxies together.
    void update(
        const api::BackpressureSpec& policy,
        const std::vector<Signal>& signals,
        std::int32_t granted,
        Time now
    );

    // Transactions of the pool at once, at most; 0: the grant alone bounds them.
    std::int32_t limit() const;
    api::ThrottleState state() const;

    // The latency as last measured over a window with enough samples.
    std::optional<std::uint64_t> latency_us() const { return latency_us_; }
    // The target is missed, by that measurement.
    bool above_target() const { return above_target_; }
    // The last window had enough samples.
    bool fresh() const { return fresh_; }
    std::uint64_t samples() const { return samples_; }

    // Longest predicted wait that is still queued: the policy's own bound, and what of the target
    // is left for waiting where waiting counts towards it.
    std::int32_t queue_wait_max_ms(const api::BackpressureSpec& policy) const;

 private:
    void measure(const api::BackpressureSpec& policy, Time now);
    void adjust(const api::BackpressureSpec& policy);

    LatencyWindow window_;
    std::optional<Time> adjusted_;
    std::optional<double> limit_;  // by the law; nothing while the target is kept without one
    std::int32_t most_ = 0;        // by the policy's maximum, if that is below the grant; or 0
    std::int32_t granted_ = 0;
    std::int32_t busy_ = 0;
    std::optional<Time> refused_at_;
    bool shedding_ = false;
    std::uint64_t samples_ = 0;
    std::optional<std::uint64_t> latency_us_;
    std::optional<std::uint64_t> query_us_;
    bool above_target_ = false;
    bool fresh_ = false;
};

// What each proxy is told, in the order of `grants`: the limit split in proportion to the grants,
// each at least one.
std::vector<api::Throttle> split(
    const Throttle& throttle,
    const api::BackpressureSpec& policy,
    const std::vector<std::int32_t>& grants
);

}  // namespace penstock::domain
