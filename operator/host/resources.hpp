// The resources of local mode with all that is written about them: manifests in, status, events and
// secrets' files out. One per operator; lives on its deciding thread.
#pragma once

#include "operator/domain/observed.hpp"
#include "operator/domain/plan.hpp"
#include "operator/host/events.hpp"
#include "operator/host/manifest_store.hpp"
#include "operator/host/status_file.hpp"

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace penstock::host {

// "connectionpool_default_orders.yaml"
std::string status_name(const ResourceKey& key);
// In the folder of status files: why manifests are not in force, a line each.
inline constexpr const char* faults_name = "manifest-faults.txt";

// "2026-05-01T10:00:00Z"
std::string wall_time();

class Resources {
 public:
    struct Folders {
        std::filesystem::path manifests;
        std::filesystem::path objects;
        std::filesystem::path secrets;
        std::filesystem::path status;
    };
    enum class Access {
        ReadWrite,
        ReadOnly,  // nothing is written anywhere: --dry-run
    };

    // What an earlier run kept is read at once.
    Resources(Folders folders, Access access);

    // Reads the manifests. True if the files of secrets have changed.
    bool load();

    // Pools and policies with their faults and statuses.
    void observe(domain::Observed& observed) const;
    void write(const domain::PoolStatusWrite& write);
    void write(const domain::PolicyStatusWrite& write);
    void record(const domain::Event& event);
    // Writes what could not be written before.
    void retry();

    const std::vector<ManifestFault>& faults() const { return store_.faults(); }
    const ManifestStore& store() const { return store_; }
    const StatusFiles& status_files() const { return status_files_; }

 private:
    struct Shown {
        api::Document status;
        Events events;
    };

    static std::vector<StoredResource> read_objects(const std::filesystem::path& folder);
    void read_status(const ResourceKey& key);
    void keep(const ManifestStore::Changes& changes);
    bool keep_secrets();
    void tell_faults();
    void show(const ResourceKey& key);
    void show_refused();

    Folders folders_;
    Access access_;
    ManifestStore store_;
    SecretFiles secret_files_;
    StatusFiles status_files_;
    std::map<ResourceKey, Shown> shown_;
    std::map<ResourceKey, std::string> refused_;  // never accepted; file names of their status
    std::set<ResourceKey> unkept_;                // to be written below `objects` again
    std::vector<ManifestFault> told_faults_;
};

}  // namespace penstock::host
