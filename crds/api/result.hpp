// What a function that can fail returns, in every layer. No exceptions cross a module's border.
#pragma once

#include <string>
#include <vector>

#include <tl/expected.hpp>

namespace penstock::api {

// One fault, in words for a person: where it is, what is wrong and what to do about it.
struct Error {
    std::string path;  // field path ("spec.database.host"), file or address; may be empty
    std::string text;  // "must be between 1 and 65535, not 70000"

    bool operator==(const Error&) const = default;
};

// "path: text", or the text alone.
inline std::string to_string(const Error& error) {
    return error.path.empty() ? error.text : error.path + ": " + error.text;
}

template <class T>
using Result = tl::expected<T, Error>;

// For documents: all faults at once, each with its own path.
template <class T>
using Checked = tl::expected<T, std::vector<Error>>;

}  // namespace penstock::api
