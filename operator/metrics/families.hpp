// Metrics on their way to Prometheus' text form, gathered anew for each scrape. A value.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <prometheus/metric_family.h>

namespace penstock::metrics {

using Labels = std::vector<std::pair<std::string, std::string>>;

class Families {
 public:
    void counter(
        const std::string& name, const char* help, double value, const Labels& labels = {}
    );
    void gauge(const std::string& name, const char* help, double value, const Labels& labels = {});
    // `counts[i]` holds values up to bounds[i]; the last one, one more than bounds, all above.
    void histogram(
        const std::string& name,
        const char* help,
        std::span<const double> bounds,
        std::span<const std::uint64_t> counts,
        double sum,
        const Labels& labels = {}
    );

    std::string text() const;

 private:
    prometheus::MetricFamily& family(
        const std::string& name, const char* help, prometheus::MetricType type
    );

    std::map<std::string, prometheus::MetricFamily> families_;
};

}  // namespace penstock::metrics
