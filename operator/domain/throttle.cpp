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
    const std::vector<ThrottleSignal>& signals,
    std::int32_t granted,
    Time now
) {
    granted_ = granted;
    collect(signals, now);
    const std::chrono::seconds window{policy.latency.window_seconds};
    while (!window_.empty() && now - window_.front().at > window) window_.pop_front();
    measure(policy);
    if (!adjusted_) adjusted_ = now;
    if (now - *adjusted_ < std::chrono::seconds{policy.adjustment.period_seconds}) return;
    adjusted_ = now;
    if (!fresh_) return;
    const std::optional<double> before = limit_;
    adjust(policy, granted);
    // What ran under the limit before says nothing about the one now.
    if (limit_ != before) window_.clear();
}

void Throttle::collect(const std::vector<ThrottleSignal>& signals, Time now) {
    Slice slice{now, {}, {}, 0, 0};
    bool any = false;
    std::map<std::string, Last> kept;
    for (const ThrottleSignal& signal : signals) {
        const api::Report& report = *signal.report;
        const std::uint64_t refused =
            report.totals.transactions_refused + report.totals.would_refuse;
        slice.busy += report.servers_busy;
        const auto found = last_.find(report.proxy_id);
        if (found != last_.end() && signal.reported <= found->second.reported) {
            kept.insert(*found);
            continue;
        }
        if (found != last_.end()) {
            any = true;
            add(slice.wait, difference(report.wait, found->second.wait));
            add(slice.query, difference(report.query, found->second.query));
            slice.refused += refused - std::min(refused, found->second.refused);
        }
        kept[report.proxy_id] = {signal.reported, report.wait, report.query, refused};
    }
    last_ = std::move(kept);
    if (any) window_.push_back(std::move(slice));
}

void Throttle::measure(const api::BackpressureSpec& policy) {
    api::Histogram wait;
    api::Histogram query;
    busy_ = 0;
    refused_ = 0;
    for (const Slice& slice : window_) {
        add(wait, slice.wait);
        add(query, slice.query);
        busy_ = std::max(busy_, slice.busy);
        refused_ += slice.refused;
    }
    const bool waits = policy.latency.signal == api::LatencySignal::QueueWait;
    samples_ = domain::samples(waits ? wait : query);
    fresh_ = samples_ >= static_cast<std::uint64_t>(policy.latency.minimum_samples);
    if (!fresh_) return;
    const double rank = fraction(policy.latency.percentile);
    query_us_ = percentile_us(query, rank);
    latency_us_ = waits ? percentile_us(wait, rank) : query_us_;
    if (policy.latency.signal == api::LatencySignal::Total)
        latency_us_ = query_us_.value_or(0) + percentile_us(wait, rank).value_or(0);
    above_target_ = latency_us_ && *latency_us_ > target_us(policy);
}

void Throttle::adjust(const api::BackpressureSpec& policy, std::int32_t granted) {
    // Fewer at once would only lengthen the wait: there the queue is what is bounded.
    if (policy.latency.signal == api::LatencySignal::QueueWait || !query_us_) {
        limit_.reset();
        return;
    }
    const double least = policy.concurrency.minimum;
    const double most =
        policy.concurrency.maximum.value_or(std::numeric_limits<std::int32_t>::max());
    const double top = std::max(least, std::min<double>(most, granted));
    const double target = static_cast<double>(target_us(policy));
    const auto latency = static_cast<double>(*query_us_);
    double next = limit_.value_or(top);
    if (latency > target) {
        next = std::min<double>(next, std::max(1, busy_));
        next *= 1 - policy.adjustment.decrease_percent / 100.0;
    } else if (busy_ >= binding * next || latency < far_below * target) {
        next += std::max(1.0, next * policy.adjustment.increase_percent / 100.0);
    }
    next = std::clamp(next, least, top);
    if (next >= granted)
        limit_.reset();
    else
        limit_ = next;
}

std::int32_t Throttle::limit() const {
    return limit_ ? static_cast<std::int32_t>(std::floor(*limit_)) : 0;
}

api::ThrottleState Throttle::state() const {
    if (refused_ > 0) return api::ThrottleState::Shedding;
    return limit_ && *limit_ < granted_ ? api::ThrottleState::Limiting : api::ThrottleState::Open;
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
