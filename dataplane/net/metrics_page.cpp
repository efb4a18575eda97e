#include "dataplane/net/metrics_page.hpp"

#include <array>
#include <fstream>
#include <string>

#include <dirent.h>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>
#include <sys/resource.h>
#include <unistd.h>

namespace penstock::net {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using proxy::Metrics;

constexpr double microseconds_per_second = 1e6;

struct CounterLine {
    CounterMember member;
    const char* name;
    const char* help;
};

constexpr std::array totals{
    CounterLine{
        &Metrics::transactions_offered,
        "penstock_proxy_transactions_offered_total",
        "Transactions that clients asked for."},
    CounterLine{
        &Metrics::transactions, "penstock_proxy_transactions_total", "Transactions that ended."},
    CounterLine{
        &Metrics::transactions_refused,
        "penstock_proxy_transactions_refused_total",
        "Transactions refused with SQLSTATE 53300."},
    CounterLine{
        &Metrics::would_refuse,
        "penstock_proxy_transactions_would_refuse_total",
        "Transactions that a policy in mode Observe would have refused."},
    CounterLine{&Metrics::queries, "penstock_proxy_queries_total", "Requests that were answered."},
    CounterLine{
        &Metrics::database_refusals,
        "penstock_proxy_database_refusals_total",
        "Server connections that the database refused with SQLSTATE 53300."},
    CounterLine{
        &Metrics::server_logins,
        "penstock_proxy_server_logins_total",
        "Logins at the database that succeeded."},
    CounterLine{
        &Metrics::server_login_failures,
        "penstock_proxy_server_login_failures_total",
        "Logins at the database that failed."},
    CounterLine{
        &Metrics::servers_closed,
        "penstock_proxy_servers_closed_total",
        "Server connections that ended."},
    CounterLine{
        &Metrics::client_logins,
        "penstock_proxy_client_logins_total",
        "Client logins that succeeded."},
    CounterLine{
        &Metrics::client_login_failures,
        "penstock_proxy_client_login_failures_total",
        "Client logins that failed."},
    CounterLine{
        &Metrics::clients_timed_out,
        "penstock_proxy_clients_timed_out_total",
        "Clients that a timeout ended."},
    CounterLine{
        &Metrics::client_logins_dropped,
        "penstock_proxy_client_logins_dropped_total",
        "Clients that were dropped before they had logged in, because too many logged in at once."},
    CounterLine{
        &Metrics::messages_refused,
        "penstock_proxy_messages_refused_total",
        "Messages of clients that were refused because they need more memory than there may be."},
    CounterLine{&Metrics::cancels, "penstock_proxy_cancels_total", "Cancel requests."},
    CounterLine{
        &Metrics::statements_prepared_again,
        "penstock_proxy_statements_prepared_again_total",
        "Prepared statements made anew on another server connection."},
    CounterLine{
        &Metrics::parameters_replayed,
        "penstock_proxy_parameters_replayed_total",
        "Session parameters set anew on another server connection."},
    CounterLine{
        &Metrics::servers_cleaned,
        "penstock_proxy_servers_cleaned_total",
        "Server connections that a client left with session state, which was removed."},
    CounterLine{
        &Metrics::servers_moved,
        "penstock_proxy_servers_moved_total",
        "Idle server connections that went from one worker to another."},
    CounterLine{
        &Metrics::bytes_from_clients,
        "penstock_proxy_client_received_bytes_total",
        "Bytes received from clients."},
    CounterLine{
        &Metrics::bytes_from_servers,
        "penstock_proxy_server_received_bytes_total",
        "Bytes received from the database."},
};

struct StateLine {
    CounterMember member;
    const char* state;
};
constexpr std::array server_states{
    StateLine{&Metrics::servers_opening, "opening"},
    StateLine{&Metrics::servers_idle, "idle"},
    StateLine{&Metrics::servers_busy, "busy"},
    StateLine{&Metrics::servers_closing, "closing"},
};
constexpr std::array client_states{
    StateLine{&Metrics::clients_logging_in, "logging_in"},
    StateLine{&Metrics::clients, "logged_in"},
    StateLine{&Metrics::clients_waiting, "waiting"},
};

struct HistogramLine {
    HistogramMember member;
    const char* name;
    const char* help;
};
constexpr std::array histograms{
    HistogramLine{
        &Metrics::wait,
        "penstock_proxy_wait_seconds",
        "Time that transactions waited for a server connection."},
    HistogramLine{
        &Metrics::query, "penstock_proxy_query_seconds", "Time from a request to its answer."},
    HistogramLine{
        &Metrics::transaction,
        "penstock_proxy_transaction_seconds",
        "Time that clients held a server connection for one transaction."},
    HistogramLine{
        &Metrics::login,
        "penstock_proxy_login_seconds",
        "Time from a client's first byte to the end of its login."},
};

class Page {
 public:
    explicit Page(const std::string& pool) : pool_{"pool", pool} {}

    MetricFamily& family(const char* name, const char* help, MetricType type) {
        families_.push_back({name, help, type, {}});
        return families_.back();
    }
    ClientMetric& series(MetricFamily& family) {
        family.metric.emplace_back().label.push_back(pool_);
        return family.metric.back();
    }
    void counter(const char* name, const char* help, double value) {
        series(family(name, help, MetricType::Counter)).counter.value = value;
    }
    void gauge(const char* name, const char* help, double value) {
        series(family(name, help, MetricType::Gauge)).gauge.value = value;
    }
    template <class Lines>
    void states(const char* name, const char* help, const Lines& lines, const AllMetrics& metrics) {
        MetricFamily& all = family(name, help, MetricType::Gauge);
        for (const StateLine& line : lines) {
            ClientMetric& one = series(all);
            one.label.push_back({"state", line.state});
            one.gauge.value = static_cast<double>(sum(metrics, line.member));
        }
    }
    void histogram(const HistogramLine& line, const api::Histogram& values) {
        auto& made = series(family(line.name, line.help, MetricType::Histogram)).histogram;
        for (std::size_t i = 0; i < values.counts.size(); ++i) {
            made.sample_count += values.counts[i];
            if (i == api::bucket_bounds_us.size()) break;
            made.bucket.push_back(
                {made.sample_count, api::bucket_bounds_us[i] / microseconds_per_second}
            );
        }
        made.sample_sum = static_cast<double>(values.sum_us) / microseconds_per_second;
    }
    std::string text() const { return prometheus::TextSerializer().Serialize(families_); }

 private:
    ClientMetric::Label pool_;
    std::vector<MetricFamily> families_;
};

double open_descriptors() {
    DIR* const folder = ::opendir("/proc/self/fd");
    if (folder == nullptr) return 0;
    double count = -3;  // ".", ".." and the folder itself
    while (::readdir(folder) != nullptr) ++count;
    ::closedir(folder);
    return count;
}

void add_process(Page& page, std::int64_t start_time_seconds) {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) +
               static_cast<double>(time.tv_usec) / microseconds_per_second;
    };
    page.counter(
        "process_cpu_seconds_total",
        "CPU time of the process, user and system.",
        seconds(usage.ru_utime) + seconds(usage.ru_stime)
    );
    std::ifstream statm("/proc/self/statm");
    double virtual_pages = 0;
    double resident_pages = 0;
    statm >> virtual_pages >> resident_pages;
    const auto page_bytes = static_cast<double>(::sysconf(_SC_PAGESIZE));
    page.gauge("process_resident_memory_bytes", "Resident memory.", resident_pages * page_bytes);
    page.gauge("process_virtual_memory_bytes", "Virtual memory.", virtual_pages * page_bytes);
    page.gauge("process_open_fds", "Open file descriptors.", open_descriptors());
    rlimit files{};
    ::getrlimit(RLIMIT_NOFILE, &files);
    page.gauge(
        "process_max_fds", "Limit of open file descriptors.", static_cast<double>(files.rlim_cur)
    );
    page.gauge(
        "process_start_time_seconds",
        "When the process started, since the epoch.",
        static_cast<double>(start_time_seconds)
    );
}

}  // namespace

std::string metrics_text(const MetricsPage& shown) {
    const api::Report& report = shown.report;
    Page page(report.pool);
    for (const CounterLine& line : totals) {
        page.counter(line.name, line.help, static_cast<double>(sum(shown.metrics, line.member)));
    }
    page.counter(
        "penstock_proxy_hold_seconds_total",
        "Time that clients held server connections.",
        static_cast<double>(report.totals.hold_us) / microseconds_per_second
    );
    page.counter(
        "penstock_proxy_reloads_total",
        "Changed configurations that were put in force.",
        static_cast<double>(shown.reloads)
    );
    page.counter(
        "penstock_proxy_reloads_refused_total",
        "Changed configurations that had faults.",
        static_cast<double>(shown.reloads_refused)
    );
    page.states(
        "penstock_proxy_servers", "Server connections by state.", server_states, shown.metrics
    );
    page.states("penstock_proxy_clients", "Clients by state.", client_states, shown.metrics);
    page.gauge(
        "penstock_proxy_held_bytes",
        "Bytes of prepared statements, of messages that wait or are not whole, and of replies "
        "that clients have not read.",
        static_cast<double>(sum(shown.metrics, &Metrics::held_bytes))
    );
    page.gauge(
        "penstock_proxy_granted_servers",
        "Server connections that this proxy may have, at most.",
        report.granted
    );
    page.gauge(
        "penstock_proxy_oldest_wait_seconds",
        "How long the first client in the queue has waited.",
        static_cast<double>(report.oldest_wait_ms) / 1e3
    );
    page.gauge(
        "penstock_proxy_config_generation",
        "Generation of the configuration in force.",
        static_cast<double>(report.config_generation)
    );
    page.gauge(
        "penstock_proxy_config_errors",
        "Faults of the newest configuration, which is not in force for them.",
        static_cast<double>(report.config_errors.size())
    );
    page.gauge("penstock_proxy_draining", "1 while the proxy stops.", report.draining ? 1 : 0);
    page.gauge(
        "penstock_proxy_facts_known",
        "1 if the database answered the last question for its facts.",
        report.facts && report.facts_error.empty() ? 1 : 0
    );
    for (const HistogramLine& line : histograms) {
        page.histogram(line, sum(shown.metrics, line.member));
    }
    add_process(page, shown.start_time_seconds);
    return page.text();
}

}  // namespace penstock::net
