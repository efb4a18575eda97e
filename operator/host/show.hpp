// `get` and `describe`: resources as text for a terminal, as kubectl prints them. Pure.
#pragma once

#include "crds/api/document.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace penstock::host {

enum class Output { Table, Wide, Yaml, Json, Name };
enum class Namespaces { One, All };  // All: the table has a column for them

// `now` is seconds since 1970, for ages. With `is_single` the documents are printed as one, not as
// a list.
std::string print_resources(
    const std::vector<api::Document>& resources,
    Output output,
    Namespaces namespaces,
    bool is_single,
    std::int64_t now
);

std::string describe_resource(const api::Document& resource, std::int64_t now);

}  // namespace penstock::host
