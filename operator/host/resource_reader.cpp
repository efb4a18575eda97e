#include "operator/host/resource_reader.hpp"

#include "crds/api/names.hpp"
#include "crds/yaml/yaml.hpp"
#include "operator/host/files.hpp"
#include "operator/host/manifest_watch.hpp"
#include "operator/host/resources.hpp"
#include "operator/host/state_folder.hpp"

#include <algorithm>
#include <cctype>
#include <tuple>

namespace penstock::host {

namespace {

std::string lower(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) {
        return static_cast<char>(std::tolower(c));
    });
    return text;
}

std::string kind_of(const api::Document& resource) {
    return resource.is_object() && resource.contains("kind") && resource["kind"].is_string()
               ? resource["kind"].get<std::string>()
               : "";
}

bool is_selected(const api::Document& resource, const Selection& selection) {
    const auto& kinds = selection.kinds;
    return std::find(kinds.begin(), kinds.end(), kind_of(resource)) != kinds.end() &&
           (selection.name.empty() || metadata_text(resource, "name") == selection.name) &&
           (selection.name_space.empty() ||
            metadata_text(resource, "namespace") == selection.name_space);
}

}  // namespace

std::vector<std::string> kinds_named(const std::string& text) {
    std::string word = lower(text);
    const std::string suffix = "." + std::string(api::group);
    if (word.size() > suffix.size() && word.ends_with(suffix))
        word.resize(word.size() - suffix.size());
    const std::string pool(api::kinds::connection_pool), policy(api::kinds::backpressure);
    if (word == "cpool" || word == "connectionpool" || word == "connectionpools") return {pool};
    if (word == "bpres" || word == "backpressure" || word == "backpressures") return {policy};
    if (word == api::category) return {pool, policy};
    return {};
}

std::string plural(const std::string& kind) { return lower(kind) + "s"; }

ResourceReader::ResourceReader(std::filesystem::path state)
    : state_(std::move(state)), folder_(state_ / "status") {}

api::Result<std::vector<api::Document>> ResourceReader::read(const Selection& selection) const {
    const auto files = manifest_files(folder_);
    if (!files) {
        return tl::unexpected(api::Error{
            folder_.string(),
            "holds no status; is --dir the folder that penstock-operator local was started on?"});
    }
    std::vector<api::Document> found;
    for (const auto& file : *files) {
        const auto text = read_file(file);
        // One that is deleted between both calls is not there.
        auto document = text ? yaml::read_one(*text, file.string()) : tl::unexpected(text.error());
        if (document && is_selected(*document, selection)) found.push_back(*std::move(document));
    }
    std::sort(found.begin(), found.end(), [](const api::Document& a, const api::Document& b) {
        const auto order = [](const api::Document& resource) {
            return std::tuple(
                kind_of(resource) != api::kinds::connection_pool,
                metadata_text(resource, "namespace"),
                metadata_text(resource, "name")
            );
        };
        return order(a) < order(b);
    });
    return found;
}

std::vector<std::string> ResourceReader::faults() const {
    std::vector<std::string> lines;
    std::string text = read_file(folder_ / faults_name).value_or("");
    for (std::size_t end = 0; (end = text.find('\n')) != std::string::npos;) {
        lines.push_back(text.substr(0, end));
        text.erase(0, end + 1);
    }
    return lines;
}

bool ResourceReader::is_current() const { return is_locked(state_); }

std::string not_found(const std::string& kind, const std::string& name) {
    return "Error from server (NotFound): " + plural(kind) + "." + std::string(api::group) + " \"" +
           name + "\" not found";
}

std::string metadata_text(const api::Document& resource, const char* key) {
    if (!resource.is_object() || !resource.contains("metadata")) return "";
    const api::Document& metadata = resource["metadata"];
    if (!metadata.is_object() || !metadata.contains(key) || !metadata[key].is_string()) return "";
    return metadata[key].get<std::string>();
}

}  // namespace penstock::host
