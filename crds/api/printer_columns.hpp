// The columns of `kubectl get` for both kinds; local mode's `get` prints the same ones.
#pragma once

#include "crds/api/document.hpp"

#include <span>

namespace penstock::api {

struct PrinterColumn {
    std::string_view name;
    std::string_view type;       // "string", "integer" or "date" (printed as an age)
    std::string_view json_path;  // the part of JSONPath that cell() reads
    std::string_view text;
    int priority = 0;  // 1: only in wide output
};

std::span<const PrinterColumn> connection_pool_columns();
std::span<const PrinterColumn> backpressure_columns();

// The column's value in a resource's document, as text; empty if the document has none. Dates come
// out as they are. Reads `.a.b` and `.a[?(@.type=="Ready")].b`.
std::string cell(const PrinterColumn& column, const Document& resource);

}  // namespace penstock::api
