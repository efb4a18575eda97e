// YAML text to documents and back. A shell around yaml-cpp: whatever the bytes, nothing is thrown
// out of here. Reads YAML 1.2's core types: quoted texts stay texts, and so do yes, no, on, off and
// numbers with a leading zero. Refused: a key given twice, merge keys, tags other than !!str, and
// texts over the limits.
#pragma once

#include "crds/api/document.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace penstock::yaml {

struct ReadLimits {
    std::size_t bytes = 4U << 20U;  // three times the largest object that Kubernetes stores
    std::size_t nodes =
        200'000;  // values in all documents; a value that an alias repeats counts each time
    std::size_t depth = 64;  // objects and lists inside each other
};

// The documents of a text, empty ones left out. The error's path is NAME:LINE:COLUMN.
api::Result<std::vector<api::Document>> read(
    std::string_view text, std::string_view name, const ReadLimits& limits = {}
);

// The only document of a text; a text with none gives an empty object.
api::Result<api::Document> read_one(
    std::string_view text, std::string_view name, const ReadLimits& limits = {}
);

// One document with a newline at its end. read_one() of it gives the same document.
std::string write(const api::Document& document);

}  // namespace penstock::yaml
