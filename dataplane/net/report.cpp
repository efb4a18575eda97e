#include "dataplane/net/report.hpp"

namespace penstock::net {

std::uint64_t sum(const AllMetrics& metrics, CounterMember counter) {
    std::uint64_t total = 0;
    for (const proxy::Metrics* each : metrics) total += (each->*counter).get();
    return total;
}

api::Histogram sum(const AllMetrics& metrics, HistogramMember histogram) {
    api::Histogram total;
    total.counts.resize(api::bucket_count);
    for (const proxy::Metrics* each : metrics) {
        const auto counts = (each->*histogram).counts();
        for (std::size_t i = 0; i < counts.size(); ++i) total.counts[i] += counts[i];
        total.sum_us += (each->*histogram).sum_us();
    }
    return total;
}

void count_workers(
    api::Report& report,
    const AllMetrics& metrics,
    const pool::Board& board,
    std::chrono::steady_clock::time_point now
) {
    using proxy::Metrics;
    const auto total = [&metrics](CounterMember counter) { return sum(metrics, counter); };
    const auto number = [&total](CounterMember counter) {
        return static_cast<std::int32_t>(total(counter));
    };
    report.servers_opening = number(&Metrics::servers_opening);
    report.servers_idle = number(&Metrics::servers_idle);
    report.servers_busy = number(&Metrics::servers_busy);
    report.servers_closing = number(&Metrics::servers_closing);
    report.clients = number(&Metrics::clients);
    report.clients_waiting = number(&Metrics::clients_waiting);
    report.totals = {
        .transactions_offered = total(&Metrics::transactions_offered),
        .transactions = total(&Metrics::transactions),
        .transactions_refused = total(&Metrics::transactions_refused),
        .would_refuse = total(&Metrics::would_refuse),
        .queries = total(&Metrics::queries),
        .hold_us = total(&Metrics::hold_us),
        .wait_us = total(&Metrics::wait_us),
        .database_refusals = total(&Metrics::database_refusals),
        .server_logins = total(&Metrics::server_logins),
        .client_logins = total(&Metrics::client_logins),
        .bytes_from_clients = total(&Metrics::bytes_from_clients),
        .bytes_from_servers = total(&Metrics::bytes_from_servers),
    };
    report.wait = sum(metrics, &Metrics::wait);
    report.query = sum(metrics, &Metrics::query);
    report.transaction = sum(metrics, &Metrics::transaction);
    report.login = sum(metrics, &Metrics::login);

    std::int64_t oldest = 0;
    for (std::uint32_t i = 0; i < board.workers(); ++i) {
        const std::int64_t since = board.worker(i).oldest_wait_us.load(std::memory_order_relaxed);
        if (since != 0 && (oldest == 0 || since < oldest)) oldest = since;
    }
    const auto now_us =
        std::chrono::duration_cast<std::chrono::microseconds>(now.time_since_epoch()).count();
    report.oldest_wait_ms = oldest == 0 || oldest > now_us ? 0 : (now_us - oldest) / 1'000;
}

}  // namespace penstock::net
