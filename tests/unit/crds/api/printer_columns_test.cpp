#include "crds/api/printer_columns.hpp"

#include "tests/unit/crds/api/samples.hpp"

#include <gtest/gtest.h>

namespace penstock::api {
namespace {

std::string line(std::span<const PrinterColumn> columns, const Document& resource) {
    std::string cells;
    for (const PrinterColumn& column : columns) {
        cells +=
            (cells.empty() ? "" : ",") + std::string{column.name} + "=" + cell(column, resource);
    }
    return cells;
}

TEST(PrinterColumns, TellThePoolsState) {
    const Document pool = samples::patched(samples::pool(), R"({
        "metadata": {"creationTimestamp": "2024-01-01T00:00:00Z"},
        "spec": {"sizing": {"mode": "Auto"}},
        "status": {
            "conditions": [
                {"type": "Autosizing", "status": "False", "reason": "AtCeiling"},
                {"type": "Ready", "status": "True", "reason": "Available"}
            ],
            "readyReplicas": 2, "limitedBy": "Ceiling",
            "budget": {"inUse": 7, "granted": 8, "ceiling": 66},
            "latency": {"queueWaitP99Milliseconds": 5}
        }
    })");
    EXPECT_EQ(
        line(connection_pool_columns(), pool),
        "Ready=True,Reason=Available,Replicas=2,InUse=7,Granted=8,Ceiling=66,Mode=Auto,"
        "Age=2024-01-01T00:00:00Z,Host=db.example,P99Wait=5,LimitedBy=Ceiling"
    );
}

TEST(PrinterColumns, ResourceWithoutStatusHasEmptyCells) {
    EXPECT_EQ(
        line(backpressure_columns(), samples::policy()),
        "Ready=,Throttling=,Target-ms=50,Targets=,Mode=,Age="
    );
    EXPECT_EQ(
        cell(connection_pool_columns()[0], samples::json(R"({"status": {"conditions": {}}})")), ""
    );
    EXPECT_EQ(
        cell(connection_pool_columns()[0], samples::json(R"({"status": {"conditions": [1]}})")), ""
    );
    EXPECT_EQ(cell(connection_pool_columns()[2], samples::json(R"({"status": 3})")), "");
}

}  // namespace
}  // namespace penstock::api
