#include "operator/domain/throttle.hpp"

#include "operator/domain/max_min.hpp"
#include "operator/domain/percentile.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <limits>

namespace penstock::domain {

namespace {

// The limit is being used: a higher one could let more run.
constexpr double binding = 0.8;
// So far below the target the limit opens even when it does not bind.
constexpr double far_below = 0.5;

double fraction(api::Percentile percentile) {
    switch (percentile) {
        case api::Percentile::P50:
            return 0.50;
        case api::Percentile::P90:
            return 0.90;
        case api::Percentile::P95:
            return 0.95;
        case api::Percentile::P99:
            return 0.99;
    }
    return 0.99;
}

std::uint64_t target_us(const api::BackpressureSpec& policy) {
    return static_cast<std::uint64_t>(policy.latency.target_milliseconds) * 1000;
}

}  // namespace

void Throttle::update(
    const api::BackpressureSpec& policy,
    const std::vector<Signal>& signals,
    std::int32_t granted,
    Time now
) {
    granted_ = granted;
    most_ = policy.concurrency.maximum && *policy.concurrency.maximum < granted
                ? *policy.concurrency.maximum
                : 0;
    window_.add(signals, now);
    measure(policy, now);
    if (!adjusted_) adjusted_ = now;
    if (now - *adjusted_ < std::chrono::seconds{policy.adjustment.period_seconds}) return;
    adjusted_ = now;
    if (!fresh_) return;
    const std::optional<double> before = limit_;
    adjust(policy);
    // What ran under the limit before says nothing about the one now.
    if (limit_ != before) window_.clear();
}

void Throttle::measure(const api::BackpressureSpec& policy, Time now) {
    const std::chrono::seconds length{policy.latency.window_seconds};
    const Measured measured = window_.over(length, now);
    if (measured.refused > 0) refused_at_ = now;
    shedding_ = refused_at_ && now - *refused_at_ <= length;
    const bool waits = policy.latency.signal == api::LatencySignal::QueueWait;
    samples_ = domain::samples(waits ? measured.wait : measured.query);
    fresh_ = samples_ >= static_cast<std::uint64_t>(policy.latency.minimum_samples);
    if (!fresh_) return;
    busy_ = measured.busy;
    const double rank = fraction(policy.latency.percentile);
    const std::optional<std::uint64_t> wait_us = percentile_us(measured.wait, rank);
    query_us_ = percentile_us(measured.query, rank);
    latency_us_ = waits ? wait_us : query_us_;
    if (policy.latency.signal == api::LatencySignal::Total)
        latency_us_ = query_us_.value_or(0) + wait_us.value_or(0);
    above_target_ = latency_us_ && *latency_us_ > target_us(policy);
}

void Throttle::adjust(const api::BackpressureSpec& policy) {
    // Fewer at once would only lengthen the wait: there the queue is what is bounded.
    if (policy.latency.signal == api::LatencySignal::QueueWait || !query_us_) {
        limit_.reset();
        return;
    }
    const double least = policy.concurrency.minimum;
    const double top = std::max<double>(least, most_ > 0 ? most_ : granted_);
    const auto target = static_cast<double>(target_us(policy));
    const auto latency = static_cast<double>(*query_us_);
    const double ran = std::max(1, busy_);
    double next = limit_.value_or(top);
    if (latency > target) {
        // Nothing holds concurrency to the limit in Observe: only what ran says what to cut.
        next = policy.mode == api::BackpressureMode::Observe ? ran : std::min(next, ran);
        next *= 1 - policy.adjustment.decrease_percent / 100.0;
    } else if (ran >= binding * next || latency < far_below * target) {
        next += std::max(1.0, next * policy.adjustment.increase_percent / 100.0);
    }
    next = std::clamp(next, least, top);
    if (next >= top)
        limit_.reset();
    else
        limit_ = next;
}

std::int32_t Throttle::limit() const {
    return limit_ ? static_cast<std::int32_t>(std::floor(*limit_)) : most_;
}

api::ThrottleState Throttle::state() const {
    if (shedding_) return api::ThrottleState::Shedding;
    const std::int32_t held = limit();
    return held > 0 && held < granted_ ? api::ThrottleState::Limiting : api::ThrottleState::Open;
}

std::int32_t Throttle::queue_wait_max_ms(const api::BackpressureSpec& policy) const {
    std::int64_t most = policy.queue.max_wait_milliseconds;
    const std::int64_t target = policy.latency.target_milliseconds;
    if (policy.latency.signal == api::LatencySignal::QueueWait) most = std::min(most, target);
    if (policy.latency.signal == api::LatencySignal::Total) {
        // In steps of a tenth of the target, so that noise changes nothing.
        const std::int64_t step = std::max<std::int64_t>(1, target / 10);
        const auto query = static_cast<std::int64_t>(query_us_.value_or(0) / 1000);
        most = std::min(most, std::max(step, (target - query) / step * step));
    }
    return static_cast<std::int32_t>(most);
}

std::vector<api::Throttle> split(
    const Throttle& throttle,
    const api::BackpressureSpec& policy,
    const std::vector<std::int32_t>& grants
) {
    std::vector<Claim> claims;
    for (const std::int32_t grant : grants)
        claims.push_back({std::numeric_limits<std::int32_t>::max() / 4, 1, std::max(1, grant)});
    const std::vector<std::int32_t> shares = max_min(throttle.limit(), claims);
    std::vector<api::Throttle> result;
    for (const std::int32_t share : shares)
        result.push_back(
            {policy.mode == api::BackpressureMode::Enforce,
             throttle.limit() == 0 ? 0 : std::max(1, share),
             policy.queue.max_length,
             throttle.queue_wait_max_ms(policy)}
        );
    return result;
}

}  // namespace penstock::domain
