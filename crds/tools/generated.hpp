// The generated files that are checked in, for crdgen to write and for a test to compare.
#pragma once

#include "crds/api/definition.hpp"
#include "crds/api/reference.hpp"
#include "crds/yaml/yaml.hpp"

#include <string>
#include <vector>

namespace penstock::tools {

struct GeneratedFile {
    std::string path;  // from the source tree's root
    std::string text;
};

inline std::vector<GeneratedFile> generated_files() {
    const std::string head = "# Made by crdgen from the tables in crds/api; do not edit.\n";
    return {
        {"crds/connectionpools.yaml", head + yaml::write(api::connection_pool_definition())},
        {"crds/backpressures.yaml", head + yaml::write(api::backpressure_definition())},
        {"docs/reference.md", api::reference_page()},
    };
}

}  // namespace penstock::tools
