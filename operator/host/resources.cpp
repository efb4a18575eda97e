#include "operator/host/resources.hpp"

#include "crds/api/encode.hpp"
#include "crds/yaml/yaml.hpp"
#include "operator/host/files.hpp"
#include "operator/host/manifest_watch.hpp"
#include "operator/host/proxy_folder.hpp"
#include "operator/runtime/time_text.hpp"

#include <algorithm>

#include <spdlog/spdlog.h>

namespace penstock::host {

namespace {

namespace fs = std::filesystem;

// A random (version 4) UUID.
std::string new_uid() {
    std::string hex = random_hex(16);
    hex[12] = '4';
    hex[16] = "89ab"[hex[16] % 4];
    return hex.substr(0, 8) + "-" + hex.substr(8, 4) + "-" + hex.substr(12, 4) + "-" +
           hex.substr(16, 4) + "-" + hex.substr(20);
}

std::string file_stem(const ResourceKey& key) {
    // Names cannot hold an underscore, so that no two resources share a file.
    std::string stem = key.kind + "_" + key.name;
    std::transform(stem.begin(), stem.end(), stem.begin(), [](unsigned char c) {
        return c == '/' ? '_' : static_cast<char>(std::tolower(c));
    });
    return stem;
}

ResourceKey pool_key(const std::string& name) {
    return {std::string(api::kinds::connection_pool), name};
}
ResourceKey policy_key(const std::string& name) {
    return {std::string(api::kinds::backpressure), name};
}

void log_fault(const api::Error& error) { spdlog::error("{}", api::to_string(error)); }

// What `get` shows of a resource that has never been accepted.
api::Document refused_document(
    const ResourceKey& key, const std::string& message, const std::string& wall
) {
    const std::size_t slash = key.name.find('/');
    const auto condition = [&](std::string_view type, const char* status) {
        return api::Document{
            {"type", type},
            {"status", status},
            {"observedGeneration", 0},
            {"lastTransitionTime", wall},
            {"reason", "InvalidManifest"},
            {"message", message}};
    };
    return {
        {"apiVersion", api::api_version},
        {"kind", key.kind},
        {"metadata",
         {{"name", key.name.substr(slash + 1)}, {"namespace", key.name.substr(0, slash)}}},
        {"status",
         {{"conditions",
           api::Document::array(
               {condition(api::conditions::ready, "False"),
                condition(api::conditions::stalled, "True")}
           )}}}};
}

}  // namespace

std::string status_name(const ResourceKey& key) { return file_stem(key) + ".yaml"; }

std::string wall_time() { return runtime::to_time(std::chrono::system_clock::now()); }

Resources::Resources(Folders folders, Access access)
    : folders_(std::move(folders)),
      access_(access),
      store_(read_objects(folders_.objects)),
      secret_files_(folders_.secrets),
      status_files_(folders_.status) {
    for (const auto& [key, stored] : store_.resources()) read_status(key);
}

std::vector<StoredResource> Resources::read_objects(const fs::path& folder) {
    std::vector<StoredResource> objects;
    std::error_code error;
    for (auto at = fs::directory_iterator(folder, error); !error && at != fs::directory_iterator();
         at.increment(error)) {
        if (at->path().extension() != ".json") continue;
        const auto text = read_file(at->path());
        const auto document = text ? api::parse_json(*text) : tl::unexpected(text.error());
        auto stored = document ? decode_stored(*document) : std::nullopt;
        if (stored) {
            objects.push_back(*std::move(stored));
        } else {
            spdlog::warn("{} cannot be read; its resource begins anew", at->path().string());
        }
    }
    return objects;
}

void Resources::read_status(const ResourceKey& key) {
    const auto text = read_file(folders_.status / status_name(key));
    const auto document =
        text ? yaml::read_one(*text, status_name(key)) : tl::unexpected(text.error());
    if (!document || !document->is_object()) return;
    Shown& shown = shown_[key];
    if (document->contains("status")) shown.status = (*document)["status"];
    if (document->contains("events")) shown.events = Events::decode((*document)["events"]);
}

bool Resources::load() {
    std::vector<ManifestText> texts;
    const auto files = manifest_files(folders_.manifests);
    if (!files) {
        // Not the same as an empty folder: that would remove every pool.
        log_fault(files.error());
        return false;
    }
    for (const fs::path& file : *files)
        texts.push_back({file.filename().string(), read_file(file)});
    const auto changes = store_.load(texts, wall_time(), new_uid);
    if (access_ == Access::ReadOnly) return false;
    tell_faults();
    keep(changes);
    show_refused();
    return keep_secrets();
}

void Resources::keep(const ManifestStore::Changes& changes) {
    for (const ResourceKey& key : changes.removed) {
        spdlog::info("{} {} is deleted", key.kind, key.name);
        unkept_.erase(key);
        shown_.erase(key);
        status_files_.remove(status_name(key));
        if (const auto removed = remove_tree(folders_.objects / (file_stem(key) + ".json"));
            !removed)
            log_fault(removed.error());
    }
    unkept_.insert(changes.kept.begin(), changes.kept.end());
    for (const ResourceKey& key : changes.kept) {
        const auto& metadata = metadata_of(store_.resources().at(key).resource);
        spdlog::info("{} {} has generation {}", key.kind, key.name, metadata.generation);
        show(key);
    }
    retry();
}

void Resources::retry() {
    status_files_.retry();
    std::erase_if(unkept_, [&](const ResourceKey& key) {
        const std::string text = encode_stored(store_.resources().at(key)).dump(2) + "\n";
        const auto kept =
            replace_file(folders_.objects / (file_stem(key) + ".json"), text, FileMode::Public);
        if (!kept) log_fault(kept.error());
        return kept.has_value();
    });
}

bool Resources::keep_secrets() {
    const auto surplus =
        store_.secrets_are_complete() ? SecretFiles::Surplus::Remove : SecretFiles::Surplus::Keep;
    const auto changed = secret_files_.sync(store_.secrets(), surplus);
    if (changed) return *changed;
    for (const api::Error& error : changed.error()) log_fault(error);
    return true;
}

// Each fault is logged once, as long as it lasts.
void Resources::tell_faults() {
    std::string text;
    for (const ManifestFault& fault : store_.faults()) {
        text += to_string(fault) + "\n";
        if (std::find(told_faults_.begin(), told_faults_.end(), fault) == told_faults_.end())
            spdlog::warn("{}", to_string(fault));
    }
    told_faults_ = store_.faults();
    if (text.empty()) {
        status_files_.remove(faults_name);
    } else {
        status_files_.put(faults_name, text);
    }
}

void Resources::show_refused() {
    std::map<ResourceKey, std::string> messages;
    for (const ManifestFault& fault : store_.faults()) {
        const bool is_ours = fault.about && (fault.about->kind == api::kinds::connection_pool ||
                                             fault.about->kind == api::kinds::backpressure);
        if (!is_ours || store_.resources().count(*fault.about) > 0) continue;
        std::string& message = messages[*fault.about];
        message += (message.empty() ? "" : "; ") + to_string(fault);
    }
    std::map<ResourceKey, std::string> refused;
    for (const auto& [key, message] : messages) {
        const auto known = refused_.find(key);
        refused[key] = message;
        if (known != refused_.end() && known->second == message) continue;
        status_files_.put(
            status_name(key), yaml::write(refused_document(key, message, wall_time()))
        );
    }
    for (const auto& [key, message] : refused_) {
        const bool is_over = refused.count(key) == 0 && store_.resources().count(key) == 0;
        if (is_over) status_files_.remove(status_name(key));
    }
    refused_ = std::move(refused);
}

void Resources::observe(domain::Observed& observed) const {
    for (const auto& [key, stored] : store_.resources()) {
        const auto shown = shown_.find(key);
        const api::Document status = shown == shown_.end() ? api::Document() : shown->second.status;
        if (const auto* pool = std::get_if<api::ConnectionPool>(&stored.resource)) {
            observed.pools.push_back(*pool);
            observed.pools.back().status =
                api::decode<api::ConnectionPoolStatus>(status, api::UnknownKeys::Ignore)
                    .value_or(api::ConnectionPoolStatus{});
        } else {
            observed.policies.push_back(std::get<api::Backpressure>(stored.resource));
            observed.policies.back().status =
                api::decode<api::BackpressureStatus>(status, api::UnknownKeys::Ignore)
                    .value_or(api::BackpressureStatus{});
        }
    }
    for (const ManifestFault& fault : store_.faults()) {
        if (!fault.about || store_.resources().count(*fault.about) == 0) continue;
        auto& faults = fault.about->kind == api::kinds::connection_pool ? observed.pool_faults
                                                                        : observed.policy_faults;
        faults[fault.about->name].push_back(
            {fault.place + (fault.error.path.empty() ? "" : ": " + fault.error.path),
             fault.error.text}
        );
    }
}

void Resources::write(const domain::PoolStatusWrite& write) {
    const ResourceKey key = pool_key(write.pool);
    shown_[key].status = api::encode(write.status);
    show(key);
}

void Resources::write(const domain::PolicyStatusWrite& write) {
    const ResourceKey key = policy_key(write.policy);
    shown_[key].status = api::encode(write.status);
    show(key);
}

void Resources::record(const domain::Event& event) {
    const ResourceKey key =
        event.kind == domain::Kind::ConnectionPool ? pool_key(event.key) : policy_key(event.key);
    const auto level =
        event.type == domain::EventType::Warning ? spdlog::level::warn : spdlog::level::info;
    spdlog::log(level, "{} {}: {}: {}", key.kind, key.name, event.reason, event.note);
    shown_[key].events.add(event, wall_time());
    show(key);
}

void Resources::show(const ResourceKey& key) {
    const auto stored = store_.resources().find(key);
    if (stored == store_.resources().end()) {
        shown_.erase(key);
        return;
    }
    const Shown& shown = shown_[key];
    api::Document document = encode_stored(stored->second)["resource"];
    document["status"] = shown.status.is_null() ? api::Document::object() : shown.status;
    document["events"] = shown.events.encode();
    status_files_.put(status_name(key), yaml::write(document));
}

}  // namespace penstock::host
