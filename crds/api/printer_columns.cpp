#include "crds/api/printer_columns.hpp"

#include "crds/api/shape.hpp"

#include <array>

namespace penstock::api {
namespace {

constexpr std::array pool_columns{
    PrinterColumn{
        "Ready",
        "string",
        R"(.status.conditions[?(@.type=="Ready")].status)",
        "Whether clients are served."},
    PrinterColumn{"Reason", "string", R"(.status.conditions[?(@.type=="Ready")].reason)", "Why."},
    PrinterColumn{"Replicas", "integer", ".status.readyReplicas", "Proxies that serve clients."},
    PrinterColumn{
        "InUse", "integer", ".status.budget.inUse", "Server connections that proxies have open."},
    PrinterColumn{
        "Granted", "integer", ".status.budget.granted", "Server connections granted to proxies."},
    PrinterColumn{
        "Ceiling",
        "integer",
        ".status.budget.ceiling",
        "Server connections that the pool may have, at most."},
    PrinterColumn{"Mode", "string", ".spec.sizing.mode", "How the size is found."},
    PrinterColumn{
        "Age", "date", ".metadata.creationTimestamp", "Time since the resource was made."},
    PrinterColumn{"Host", "string", ".spec.database.host", "The PostgreSQL server.", 1},
    PrinterColumn{
        "P99Wait",
        "integer",
        ".status.latency.queueWaitP99Milliseconds",
        "Wait for a server connection in milliseconds, 99th percentile.",
        1},
    PrinterColumn{
        "LimitedBy", "string", ".status.limitedBy", "What keeps the pool from being larger.", 1},
};

constexpr std::array policy_columns{
    PrinterColumn{
        "Ready",
        "string",
        R"(.status.conditions[?(@.type=="Ready")].status)",
        "Whether the policy is in force."},
    PrinterColumn{
        "Throttling",
        "string",
        R"(.status.conditions[?(@.type=="Throttling")].status)",
        "Whether anything is held back."},
    PrinterColumn{
        "Target-ms",
        "integer",
        ".spec.latency.targetMilliseconds",
        "The latency to keep, in milliseconds."},
    PrinterColumn{
        "Targets", "integer", ".status.attachedTargets", "Pools that the policy acts on."},
    PrinterColumn{"Mode", "string", ".spec.mode", "Whether the policy acts or only observes."},
    PrinterColumn{
        "Age", "date", ".metadata.creationTimestamp", "Time since the resource was made."},
};

// The element of `list` whose member `key` is the text `wanted`.
const Document* element_where(const Document& list, std::string_view key, std::string_view wanted) {
    if (!list.is_array()) return nullptr;
    for (const Document& element : list) {
        if (!element.is_object()) continue;
        const Document* member = shape::find(element, key);
        if (member != nullptr && *member == wanted) return &element;
    }
    return nullptr;
}

// Takes the text up to one of `ends` off the front of `path`.
std::string_view take(std::string_view& path, std::string_view ends) {
    const std::string_view front = path.substr(0, path.find_first_of(ends));
    path.remove_prefix(front.size());
    return front;
}

// `[?(@.KEY=="VALUE")]` at the front of `path`, taken off.
const Document* take_filter(std::string_view& path, const Document& list) {
    path.remove_prefix(std::string_view{"[?(@."}.size());
    const std::string_view key = take(path, "=");
    path.remove_prefix(std::string_view{"==\""}.size());
    const std::string_view wanted = take(path, "\"");
    path.remove_prefix(std::string_view{"\")]"}.size());
    return element_where(list, key, wanted);
}

}  // namespace

std::span<const PrinterColumn> connection_pool_columns() { return pool_columns; }
std::span<const PrinterColumn> backpressure_columns() { return policy_columns; }

std::string cell(const PrinterColumn& column, const Document& resource) {
    const Document* at = &resource;
    std::string_view path = column.json_path;
    while (at != nullptr && !path.empty()) {
        if (path.starts_with('[')) {
            at = take_filter(path, *at);
        } else {
            path.remove_prefix(1);
            const std::string_view key = take(path, ".[");
            at = at->is_object() ? shape::find(*at, key) : nullptr;
        }
    }
    if (at == nullptr) return "";
    return at->is_string() ? at->get<std::string>() : to_json_text(*at);
}

}  // namespace penstock::api
