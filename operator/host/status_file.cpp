#include "operator/host/status_file.hpp"

#include "operator/host/files.hpp"

#include <algorithm>
#include <utility>

namespace penstock::host {

StatusFiles::StatusFiles(std::filesystem::path folder) : folder_(std::move(folder)) {}

void StatusFiles::put(const std::string& name, std::string text) {
    auto [at, is_new] = files_.try_emplace(name);
    File& file = at->second;
    if (is_new) {
        const auto found = read_file(folder_ / name);
        if (found && *found == text) file = {text, true};
    }
    if (file.is_current && file.text == text) return;
    file = {std::move(text), false};
    write(name, file);
    refresh_fault();
}

void StatusFiles::remove(const std::string& name) {
    files_.erase(name);
    const auto removed = remove_tree(folder_ / name);
    refresh_fault();
    if (!removed) fault_ = api::to_string(removed.error());
}

void StatusFiles::retry() {
    for (auto& [name, file] : files_) {
        if (!file.is_current) write(name, file);
    }
    refresh_fault();
}

void StatusFiles::write(const std::string& name, File& file) {
    auto done = make_folder(folder_, FileMode::Public);
    if (done) done = replace_file(folder_ / name, file.text, FileMode::Public);
    file.is_current = done.has_value();
    if (done) {
        ++writes_;
    } else {
        ++failures_;
        fault_ = api::to_string(done.error());
    }
}

void StatusFiles::refresh_fault() {
    const bool all_current = std::all_of(files_.begin(), files_.end(), [](const auto& f) {
        return f.second.is_current;
    });
    if (all_current) fault_.clear();
}

}  // namespace penstock::host
