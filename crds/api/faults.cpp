#include "crds/api/faults.hpp"

#include <algorithm>

namespace penstock::api {
namespace {

// Whether `path` is `whole` or lies inside it.
bool is_within(std::string_view path, std::string_view whole) {
    if (whole.empty()) return true;
    if (!path.starts_with(whole)) return false;
    return path.size() == whole.size() || path[whole.size()] == '.' || path[whole.size()] == '[';
}

}  // namespace

bool Faults::blames(std::string_view path) const {
    return std::any_of(errors_.begin(), errors_.end(), [&](const Error& error) {
        return is_within(path, error.path);
    });
}

bool Faults::blames_member_of(std::string_view path) const {
    return std::any_of(errors_.begin(), errors_.end(), [&](const Error& error) {
        if (is_within(path, error.path)) return true;
        if (!is_within(error.path, path)) return false;
        const std::string_view member =
            std::string_view{error.path}.substr(path.empty() ? 0 : path.size() + 1);
        return member.find_first_of(".[") == std::string_view::npos;
    });
}

std::string child_path(std::string_view path, std::string_view key) {
    std::string child{path};
    if (!child.empty()) child += '.';
    child += key;
    return child;
}

std::string element_path(std::string_view path, std::size_t index) {
    return std::string{path} + "[" + std::to_string(index) + "]";
}

std::string entry_path(std::string_view path, std::string_view key) {
    return std::string{path} + "[" + std::string{key} + "]";
}

}  // namespace penstock::api
