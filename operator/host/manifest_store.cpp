#include "operator/host/manifest_store.hpp"

#include "crds/api/diff.hpp"
#include "crds/api/encode.hpp"
#include "crds/yaml/yaml.hpp"
#include "operator/host/text_place.hpp"

#include <algorithm>

namespace penstock::host {

namespace {

constexpr std::string_view secret_kind = "Secret";

std::string text_at(const api::Document& document, const char* key) {
    if (!document.is_object()) return "";
    const auto at = document.find(key);
    return at != document.end() && at->is_string() ? at->get<std::string>() : "";
}

// What the document is about, as far as it says so.
std::optional<ResourceKey> key_in(const api::Document& document) {
    const std::string kind = text_at(document, "kind");
    if (!document.is_object() || kind.empty()) return std::nullopt;
    const auto metadata = document.find("metadata");
    if (metadata == document.end()) return std::nullopt;
    const std::string name = text_at(*metadata, "name");
    if (name.empty()) return std::nullopt;
    const std::string name_space = text_at(*metadata, "namespace");
    return ResourceKey{kind, (name_space.empty() ? "default" : name_space) + "/" + name};
}

// A resource of another kind, which a folder of manifests may hold too.
bool is_foreign(const api::Document& document) {
    const std::string kind = text_at(document, "kind"), version = text_at(document, "apiVersion");
    return !kind.empty() && !version.empty() && kind != secret_kind &&
           kind != api::kinds::connection_pool && kind != api::kinds::backpressure &&
           version.compare(0, api::group.size(), api::group) != 0;
}

// Keeps what identifies the resource, whatever the manifest says of it.
void carry_over(const api::Metadata& before, api::Metadata& after) {
    after.uid = before.uid;
    after.generation = before.generation;
    after.creation_timestamp = before.creation_timestamp;
    after.resource_version.clear();
    after.deletion_timestamp.clear();
}

}  // namespace

std::string to_string(const ManifestFault& fault) {
    return fault.place + ": " + api::to_string(fault.error);
}

const api::Metadata& metadata_of(const api::Manifest& resource) {
    return std::visit(
        [](const auto& each) -> const api::Metadata& { return each.metadata; }, resource
    );
}

ResourceKey key_of(const api::Manifest& resource) {
    const bool is_pool = std::holds_alternative<api::ConnectionPool>(resource);
    return {
        std::string(is_pool ? api::kinds::connection_pool : api::kinds::backpressure),
        api::qualified_name(metadata_of(resource))};
}

api::Document encode_stored(const StoredResource& stored) {
    api::Document resource =
        std::visit([](const auto& each) { return api::encode_manifest(each); }, stored.resource);
    resource.erase("status");
    return {{"file", stored.file}, {"resource", std::move(resource)}};
}

std::optional<StoredResource> decode_stored(const api::Document& document) {
    const std::string file = text_at(document, "file");
    if (file.empty() || !document.contains("resource")) return std::nullopt;
    auto resource = api::decode_manifest(document["resource"], api::UnknownKeys::Ignore);
    if (!resource) return std::nullopt;
    return StoredResource{*std::move(resource), file};
}

ManifestStore::ManifestStore(std::vector<StoredResource> known) {
    for (StoredResource& stored : known)
        resources_.emplace(key_of(stored.resource), std::move(stored));
}

// One run over all texts.
class ManifestStore::Loading {
 public:
    Loading(
        ManifestStore& store, const std::string& wall, const std::function<std::string()>& new_uid
    )
        : store_(store), wall_(wall), new_uid_(new_uid) {}

    void take(const ManifestText& file) {
        if (!file.text) return blame_file(file, file.file, file.text.error());
        const auto documents = yaml::read(*file.text, file.file);
        if (!documents) {
            // The reader's path is FILE:LINE:COLUMN already.
            const api::Error& error = documents.error();
            return blame_file(file, error.path.empty() ? file.file : error.path, {"", error.text});
        }
        for (std::size_t i = 0; i < documents->size(); ++i) take({file, i}, (*documents)[i]);
    }

    Changes finish() {
        for (auto at = store_.resources_.begin(); at != store_.resources_.end();) {
            const bool stays =
                seen_.count(at->first) > 0 || doubtful_files_.count(at->second.file) > 0;
            if (!stays) changes_.removed.insert(at->first);
            at = stays ? std::next(at) : store_.resources_.erase(at);
        }
        for (const Secret& secret : store_.secrets_) {
            if (wrong_secrets_.count(secret.name_space + "/" + secret.name) > 0)
                secrets_.push_back(secret);
        }
        store_.secrets_ = std::move(secrets_);
        store_.secrets_are_complete_ = wrong_secrets_.empty() && doubtful_files_.empty();
        store_.faults_ = std::move(faults_);
        return std::move(changes_);
    }

 private:
    struct Place {
        const ManifestText& file;
        std::size_t document;

        std::string of(std::string_view field_path) const {
            return file.file + ":" + std::to_string(line_of(*file.text, document, field_path));
        }
    };

    // What the file says cannot be known, so all that it said before stays in force.
    void blame_file(const ManifestText& file, const std::string& place, const api::Error& error) {
        doubtful_files_.insert(file.file);
        faults_.push_back({place, {"", error.text}, std::nullopt});
    }

    void blame(
        const Place& place,
        const std::optional<ResourceKey>& about,
        const std::vector<api::Error>& errors
    ) {
        for (const api::Error& error : errors)
            faults_.push_back({place.of(error.path), error, about});
        if (!about) {
            doubtful_files_.insert(place.file.file);
        } else if (about->kind == secret_kind) {
            wrong_secrets_.insert(about->name);
        }
    }

    void take(const Place& place, const api::Document& document) {
        if (is_foreign(document)) return;
        const auto key = key_in(document);
        if (key) {
            const auto [at, is_first] = seen_.emplace(*key, place.of(""));
            if (!is_first) {
                // Not the resource's own fault: its first manifest stands.
                faults_.push_back(
                    {place.of("metadata.name"),
                     {"metadata.name", "is the same as at " + at->second + "; remove one of both"},
                     std::nullopt}
                );
                return;
            }
        }
        if (text_at(document, "kind") == secret_kind) {
            auto secret = decode_secret(document);
            if (!secret) return blame(place, key, secret.error());
            secrets_.push_back(*std::move(secret));
            return;
        }
        auto resource = api::decode_manifest(document);
        if (!resource) return blame(place, key, resource.error());
        std::visit([&](auto& each) { store(place, *key, std::move(each)); }, *resource);
    }

    template <class Resource>
    void store(const Place& place, const ResourceKey& key, Resource after) {
        after.status = {};
        const auto at = store_.resources_.find(key);
        if (at == store_.resources_.end()) {
            api::Metadata fresh;
            fresh.uid = new_uid_();
            fresh.generation = 1;
            fresh.creation_timestamp = wall_;
            carry_over(fresh, after.metadata);
        } else {
            const auto& before = std::get<Resource>(at->second.resource);
            const auto refused = api::refused_changes(before.spec, after.spec, "spec");
            if (!refused.empty()) return blame(place, key, refused);
            carry_over(before.metadata, after.metadata);
            if (before.spec != after.spec) ++after.metadata.generation;
        }
        StoredResource stored{std::move(after), place.file.file};
        if (at != store_.resources_.end() && at->second == stored) return;
        store_.resources_.insert_or_assign(key, std::move(stored));
        changes_.kept.insert(key);
    }

    ManifestStore& store_;
    const std::string& wall_;
    const std::function<std::string()>& new_uid_;
    Changes changes_;
    std::map<ResourceKey, std::string> seen_;  // and where first
    std::set<std::string> doubtful_files_;
    std::set<std::string> wrong_secrets_;
    std::vector<Secret> secrets_;
    std::vector<ManifestFault> faults_;
};

ManifestStore::Changes ManifestStore::load(
    const std::vector<ManifestText>& texts,
    const std::string& wall,
    const std::function<std::string()>& new_uid
) {
    Loading loading(*this, wall, new_uid);
    for (const ManifestText& text : texts) loading.take(text);
    return loading.finish();
}

}  // namespace penstock::host
