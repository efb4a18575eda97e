#include "operator/objects/in_force.hpp"

#include <optional>

namespace penstock::objects {

namespace {

// The path below `path` where they differ.
std::optional<std::string> difference(
    const api::Document& wanted, const api::Document& live, const std::string& path
) {
    if (wanted.is_object() && live.is_object()) {
        for (const auto& [key, value] : wanted.items()) {
            const std::string here = path.empty() ? key : path + "." + key;
            const auto found = live.find(key);
            if (found == live.end()) {
                // The API server leaves out what says nothing.
                if (value.is_structured() && value.empty()) continue;
                return here;
            }
            if (auto deeper = difference(value, *found, here)) return deeper;
        }
        return std::nullopt;
    }
    if (wanted.is_array() && live.is_array() && wanted.size() == live.size()) {
        for (std::size_t i = 0; i < wanted.size(); ++i) {
            const std::string here = path + "[" + std::to_string(i) + "]";
            if (auto deeper = difference(wanted[i], live[i], here)) return deeper;
        }
        return std::nullopt;
    }
    return wanted == live ? std::nullopt : std::optional(path);
}

}  // namespace

bool is_in_force(const api::Document& wanted, const api::Document& live) {
    return !difference(wanted, live, "");
}

std::string first_difference(const api::Document& wanted, const api::Document& live) {
    return difference(wanted, live, "").value_or("");
}

}  // namespace penstock::objects
