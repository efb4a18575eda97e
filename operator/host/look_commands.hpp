// `get`, `describe` and `wait`: what they read, print and return. They change nothing and need no
// operator.
#pragma once

#include "operator/host/resource_reader.hpp"
#include "operator/host/show.hpp"

#include <chrono>
#include <filesystem>
#include <string>

namespace penstock::host {

struct LookOptions {
    std::filesystem::path state;  // the operator's state folder
    std::string kind;             // as typed: "cpool", or "cpool/NAME"
    std::string name;             // empty: all
    std::string name_space = "default";
    bool all_namespaces = false;
};

// Each returns the exit status: 0, or 1 with a word on stderr.
int run_get(const LookOptions& options, Output output);
int run_describe(const LookOptions& options);
// `condition` is "condition=Ready", "condition=Ready=False" or "delete".
int run_wait(
    const LookOptions& options, const std::string& condition, std::chrono::seconds timeout
);

}  // namespace penstock::host
