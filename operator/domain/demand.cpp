#include "operator/domain/demand.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>

namespace penstock::domain {

namespace {

constexpr double rise_seconds = 0.5;
constexpr double fall_seconds = 5;
// Shorter differences are noise: the baseline is kept until there is more.
constexpr double shortest_seconds = 0.2;
// A shorter wait is the ordinary hand-over between two transactions, not want of connections.
constexpr std::int64_t wait_that_counts_ms = 10;

// Counters of one process never go back; 0 if a broken one does.
double increase(std::uint64_t newer, std::uint64_t older) {
    return newer > older ? static_cast<double>(newer - older) : 0;
}

}  // namespace

void Demand::add(const api::Report& report, Time reported) {
    if (last_ && reported <= newest_) return;
    newest_ = reported;
    if (!last_) {
        last_ = report.totals;
        last_at_ = reported;
        return;
    }
    const double seconds = std::chrono::duration<double>(reported - last_at_).count();
    // Who waits is known at once: a step in load must not wait for the first transaction to end.
    if (report.oldest_wait_ms >= wait_that_counts_ms) waiting_ = report.clients_waiting;
    if (seconds < shortest_seconds) return;
    measure(report, seconds);
    last_ = report.totals;
    last_at_ = reported;
}

void Demand::measure(const api::Report& report, double seconds) {
    const api::Totals& now = report.totals;
    const double ended = increase(now.transactions, last_->transactions);
    const double offered = increase(now.transactions_offered, last_->transactions_offered);
    const double hold = ended > 0 ? increase(now.hold_us, last_->hold_us) / ended / 1e6 : 0;
    // Transactions that outlast the interval are counted by who holds a server now.
    const double occupied = ended > 0 && hold < seconds ? offered / seconds * hold
                                                        : static_cast<double>(report.servers_busy);
    if (!occupied_) {
        occupied_ = occupied;
    } else {
        const double memory = occupied > *occupied_ ? rise_seconds : fall_seconds;
        *occupied_ += (occupied - *occupied_) * (1 - std::exp(-seconds / memory));
    }
    if (report.oldest_wait_ms < wait_that_counts_ms)
        waiting_ = std::min<double>(
            report.clients_waiting, increase(now.wait_us, last_->wait_us) / 1e6 / seconds
        );
}

std::optional<double> Demand::connections() const {
    if (!occupied_) return std::nullopt;
    return *occupied_ + waiting_;
}

std::int32_t want_for(double demand) {
    if (!(demand > 0)) return 0;
    return static_cast<std::int32_t>(
        std::ceil(std::min(1.1 * demand + 2 * std::sqrt(demand), 262'143.0))
    );
}

}  // namespace penstock::domain
