// Files that are read and replaced whole: a reader, or a crash, never meets half of one.
#pragma once

#include "crds/api/result.hpp"

#include <filesystem>
#include <string>

namespace penstock::host {

enum class FileMode {
    Private,  // 0600: tokens and secrets
    Public,   // 0644
};

api::Result<std::string> read_file(const std::filesystem::path& path);

// Writes a file beside `path`, syncs it and renames it over `path`. On an error `path` is as it
// was.
api::Result<void> replace_file(
    const std::filesystem::path& path, const std::string& text, FileMode mode
);

// Makes the folder (and its parents) if it is absent; only its owner may enter a Private one.
api::Result<void> make_folder(const std::filesystem::path& path, FileMode mode);

// Removes a file or a folder with all in it; fine if it is absent.
api::Result<void> remove_tree(const std::filesystem::path& path);

}  // namespace penstock::host
