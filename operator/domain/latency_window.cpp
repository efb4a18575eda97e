#include "operator/domain/latency_window.hpp"

#include "operator/domain/percentile.hpp"

#include <algorithm>
#include <utility>

namespace penstock::domain {

void LatencyWindow::add(const std::vector<Signal>& signals, Time now) {
    Measured measured;
    bool any = false;
    std::map<std::string, Base> bases;
    for (const Signal& signal : signals) {
        const api::Report& report = *signal.report;
        const std::uint64_t refused =
            report.totals.transactions_refused + report.totals.would_refuse;
        measured.busy += report.servers_busy;
        const auto found = bases_.find(report.proxy_id);
        if (found != bases_.end() && signal.reported <= found->second.reported) {
            bases.insert(*found);
            continue;
        }
        if (found != bases_.end()) {
            const Base& base = found->second;
            any = true;
            domain::add(measured.wait, difference(report.wait, base.wait));
            domain::add(measured.query, difference(report.query, base.query));
            domain::add(measured.transaction, difference(report.transaction, base.transaction));
            measured.refused += refused - std::min(refused, base.refused);
        }
        bases[report.proxy_id] = {
            signal.reported, report.wait, report.query, report.transaction, refused};
    }
    bases_ = std::move(bases);
    if (any) slices_.push_back({now, std::move(measured)});
}

Measured LatencyWindow::over(std::chrono::seconds window, Time now) {
    while (!slices_.empty() && now - slices_.front().at > window) slices_.pop_front();
    Measured sum;
    for (const Slice& slice : slices_) {
        domain::add(sum.wait, slice.measured.wait);
        domain::add(sum.query, slice.measured.query);
        domain::add(sum.transaction, slice.measured.transaction);
        sum.refused += slice.measured.refused;
        sum.busy = std::max(sum.busy, slice.measured.busy);
    }
    return sum;
}

}  // namespace penstock::domain
