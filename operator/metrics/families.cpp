#include "operator/metrics/families.hpp"

#include <limits>

#include <prometheus/text_serializer.h>

namespace penstock::metrics {

namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

ClientMetric labelled(const Labels& labels) {
    ClientMetric metric;
    for (const auto& [name, value] : labels) metric.label.push_back({name, value});
    return metric;
}

}  // namespace

void Families::counter(
    const std::string& name, const char* help, double value, const Labels& labels
) {
    ClientMetric metric = labelled(labels);
    metric.counter.value = value;
    family(name, help, MetricType::Counter).metric.push_back(std::move(metric));
}

void Families::gauge(
    const std::string& name, const char* help, double value, const Labels& labels
) {
    ClientMetric metric = labelled(labels);
    metric.gauge.value = value;
    family(name, help, MetricType::Gauge).metric.push_back(std::move(metric));
}

void Families::histogram(
    const std::string& name,
    const char* help,
    std::span<const double> bounds,
    std::span<const std::uint64_t> counts,
    double sum,
    const Labels& labels
) {
    ClientMetric metric = labelled(labels);
    metric.histogram.sample_sum = sum;
    std::uint64_t below = 0;
    for (std::size_t i = 0; i < counts.size(); ++i) {
        below += counts[i];
        const bool is_last = i >= bounds.size();
        metric.histogram.bucket.push_back(
            {below, is_last ? std::numeric_limits<double>::infinity() : bounds[i]}
        );
    }
    metric.histogram.sample_count = below;
    family(name, help, MetricType::Histogram).metric.push_back(std::move(metric));
}

std::string Families::text() const {
    std::vector<MetricFamily> list;
    for (const auto& [name, each] : families_) list.push_back(each);
    return prometheus::TextSerializer().Serialize(list);
}

MetricFamily& Families::family(const std::string& name, const char* help, MetricType type) {
    MetricFamily& found = families_[name];
    found.name = name;
    found.help = help;
    found.type = type;
    return found;
}

}  // namespace penstock::metrics
