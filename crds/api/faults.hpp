// The faults found so far in one document, each with its field path. Owned by the call that reads
// the document.
#pragma once

#include "crds/api/result.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace penstock::api {

class Faults {
 public:
    void add(std::string path, std::string text) {
        errors_.push_back({std::move(path), std::move(text)});
    }
    void warn(std::string path, std::string text) {
        warnings_.push_back({std::move(path), std::move(text)});
    }

    const std::vector<Error>& errors() const { return errors_; }
    const std::vector<Error>& warnings() const { return warnings_; }

    // Whether the value at `path`, or something that it is part of, has a fault already.
    bool blames(std::string_view path) const;
    // Whether the struct at `path`, or one of its own fields (not fields of fields), has a fault
    // already.
    bool blames_member_of(std::string_view path) const;

 private:
    std::vector<Error> errors_;
    std::vector<Error> warnings_;
};

// "spec" and "replicas" make "spec.replicas"; an empty path adds nothing.
std::string child_path(std::string_view path, std::string_view key);
// "spec.targetRefs[2]"
std::string element_path(std::string_view path, std::size_t index);
// "metadata.labels[app]"
std::string entry_path(std::string_view path, std::string_view key);

}  // namespace penstock::api
