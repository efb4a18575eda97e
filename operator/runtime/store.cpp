#include "operator/runtime/store.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

namespace penstock::runtime {
namespace {

const api::Document* metadata_of(const api::Document& object) {
    if (!object.is_object()) return nullptr;
    const auto found = object.find("metadata");
    return found != object.end() && found->is_object() ? &*found : nullptr;
}

std::string text_at(const api::Document& object, const char* key) {
    const auto found = object.find(key);
    return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

Snapshot snapshot_of(api::Document object) {
    object["metadata"].erase("managedFields");
    return std::make_shared<const api::Document>(std::move(object));
}

}  // namespace

std::string key_of(std::string_view name_space, std::string_view name) {
    return name_space.empty() ? std::string(name)
                              : std::string(name_space) + "/" + std::string(name);
}

std::optional<std::string> key_of(const api::Document& object) {
    const api::Document* metadata = metadata_of(object);
    if (metadata == nullptr) return std::nullopt;
    const std::string name = text_at(*metadata, "name");
    if (name.empty()) return std::nullopt;
    return key_of(text_at(*metadata, "namespace"), name);
}

std::uint64_t version_number(std::string_view text) {
    std::uint64_t version = 0;
    const char* end = text.data() + text.size();
    const auto [at, fault] = std::from_chars(text.data(), end, version);
    return fault == std::errc() && at == end ? version : 0;
}

std::uint64_t version_of(const api::Document& object) {
    const api::Document* metadata = metadata_of(object);
    return metadata == nullptr ? 0 : version_number(text_at(*metadata, "resourceVersion"));
}

Snapshot Store::find(const std::string& key) const {
    const auto found = objects_.find(key);
    return found == objects_.end() ? nullptr : found->second.object;
}

std::vector<Snapshot> Store::all() const {
    std::vector<Snapshot> result;
    result.reserve(objects_.size());
    for (const auto& [key, entry] : objects_) result.push_back(entry.object);
    return result;
}

void Store::set(const std::string& key, Entry entry) {
    Entry& place = objects_[key];
    if (place.object != nullptr && place.version == entry.version && entry.version != 0) return;
    place = std::move(entry);
    ++changes_;
}

bool Store::is_older(const std::string& key, std::uint64_t version) const {
    const auto found = objects_.find(key);
    return found != objects_.end() && version < found->second.version;
}

void Store::put(api::Document response) {
    const auto key = key_of(response);
    const std::uint64_t version = version_of(response);
    if (!key || version <= passed_ || is_older(*key, version)) return;
    set(*key, {snapshot_of(std::move(response)), version});
}

bool Store::apply(api::Document object) {
    const auto key = key_of(object);
    if (!key) return false;
    const std::uint64_t version = version_of(object);
    if (!is_older(*key, version)) set(*key, {snapshot_of(std::move(object)), version});
    pass(version);
    return true;
}

bool Store::erase(const api::Document& object) {
    const auto key = key_of(object);
    if (!key) return false;
    const std::uint64_t version = version_of(object);
    if (!is_older(*key, version) && objects_.erase(*key) > 0) ++changes_;
    pass(version);
    return true;
}

void Store::pass(std::uint64_t version) { passed_ = std::max(passed_, version); }

void Store::replace(std::vector<api::Document> objects, std::uint64_t version) {
    std::map<std::string, Entry> listed;
    for (api::Document& object : objects) {
        const auto key = key_of(object);
        const std::uint64_t own_version = version_of(object);
        if (key) listed[*key] = {snapshot_of(std::move(object)), own_version};
    }
    for (auto each = objects_.begin(); each != objects_.end();) {
        const std::uint64_t held = each->second.version;
        if (held > passed_ && held > version) {  // our own write, made after the list
            listed.erase(each->first);
            ++each;
        } else if (listed.contains(each->first)) {
            ++each;
        } else {
            each = objects_.erase(each);
            ++changes_;
        }
    }
    for (auto& [key, entry] : listed) set(key, std::move(entry));
    passed_ = version;  // of a restored etcd it may be lower
}

}  // namespace penstock::runtime
