#include "operator/kube/api_metrics.hpp"

#include "crds/api/names.hpp"

#include <chrono>
#include <map>

namespace penstock::kube {

namespace {

double number(std::uint64_t value) { return static_cast<double>(value); }

std::string prefixed(const char* name) { return std::string(api::metric_prefix) + name; }

}  // namespace

void add_requests(
    metrics::Families& families, const CountedTransport::Counts& counts, const std::string& host
) {
    for (const auto& [what, count] : counts)
        families.counter(
            "rest_client_requests_total",
            "Requests to the Kubernetes API.",
            number(count),
            {{"code", what.second}, {"method", what.first}, {"host", host}}
        );
}

void add_election(metrics::Families& families, const std::string& lease, bool is_leader) {
    families.gauge(
        "leader_election_master_status",
        "1 on the replica that leads.",
        is_leader ? 1 : 0,
        {{"name", lease}}
    );
}

void add_writer(metrics::Families& families, const runtime::Writer& writer) {
    const metrics::Labels name{{"name", "writes"}};
    const runtime::WriterCounters& counters = writer.counters();
    families.gauge(
        "workqueue_depth", "Writes that wait or are under way.", number(writer.depth()), name
    );
    families.counter("workqueue_adds_total", "Writes sent.", number(counters.sent), name);
    families.counter(
        "workqueue_retries_total", "Writes tried again.", number(counters.retried), name
    );
    families.counter(
        "controller_runtime_reconcile_errors_total",
        "Writes that failed.",
        number(counters.retried + counters.terminal),
        {{"controller", "fleet"}}
    );
    families.counter(
        "controller_runtime_terminal_reconcile_errors_total",
        "Writes refused for good.",
        number(counters.terminal),
        {{"controller", "fleet"}}
    );
    families.gauge(
        "controller_runtime_active_workers",
        "Writes under way.",
        writer.in_flight(),
        {{"controller", "fleet"}}
    );
}

void add_cache(metrics::Families& families, const Cache& cache) {
    struct Sums {
        std::uint64_t lists = 0;
        double stale_seconds = 0;
        std::map<std::string, std::uint64_t> relists;
    };
    std::map<std::string, Sums> kinds;
    const auto now = std::chrono::steady_clock::now();
    cache.for_each_watch([&](const runtime::Watch& watch) {
        Sums& sums = kinds[std::string(watch.settings().resource.kind)];
        sums.lists += watch.counters().lists;
        const std::chrono::duration<double> stale = now - watch.last_heard();
        if (watch.synced()) sums.stale_seconds = std::max(sums.stale_seconds, stale.count());
        for (const auto& [reason, count] : watch.counters().relists) sums.relists[reason] += count;
    });
    for (const auto& [kind, sums] : kinds) {
        families.counter(
            prefixed("watch_lists_total"), "Lists begun.", number(sums.lists), {{"kind", kind}}
        );
        families.gauge(
            prefixed("watch_staleness_seconds"),
            "Since anything was heard of a kind; bookmarks come about once a minute.",
            sums.stale_seconds,
            {{"kind", kind}}
        );
        for (const auto& [reason, count] : sums.relists)
            families.counter(
                prefixed("watch_relists_total"),
                "Lists that were needed because a watch could not go on.",
                number(count),
                {{"kind", kind}, {"reason", reason}}
            );
    }
}

}  // namespace penstock::kube
