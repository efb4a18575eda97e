// The resources as the operator last showed them, for those commands that only look.
#pragma once

#include "crds/api/document.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace penstock::host {

// "ConnectionPool" for "cpool", "connectionpool", "connectionpools", "connectionpools.penstock.dev"
// in any case; both kinds for "penstock"; none for anything else.
std::vector<std::string> kinds_named(const std::string& text);

// "connectionpools" for "ConnectionPool".
std::string plural(const std::string& kind);

struct Selection {
    std::vector<std::string> kinds;
    std::string name;                    // empty: all
    std::string name_space = "default";  // empty: all
};

class ResourceReader {
 public:
    // `state` is the operator's state folder.
    explicit ResourceReader(std::filesystem::path state);

    // The documents (with `events`) that are selected, in the order of kind, namespace, name. The
    // error says what to do if nothing was ever shown there.
    api::Result<std::vector<api::Document>> read(const Selection& selection) const;
    // Why manifests are not in force, a line each.
    std::vector<std::string> faults() const;
    // An operator runs, so that what is read is current.
    bool is_current() const;

    const std::filesystem::path& folder() const { return folder_; }

 private:
    std::filesystem::path state_;
    std::filesystem::path folder_;
};

// As kubectl says it.
std::string not_found(const std::string& kind, const std::string& name);

// metadata.KEY of a document, or nothing.
std::string metadata_text(const api::Document& resource, const char* key);

}  // namespace penstock::host
