// The resources that a folder of manifests says, as the last good text of each says them. A wrong
// text is a fault with its place, and changes nothing. Pure: files' texts and the time come in,
// what is kept beside the manifests goes out.
#pragma once

#include "crds/api/manifest.hpp"
#include "operator/host/secret_files.hpp"

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace penstock::host {

struct ManifestText {
    std::string file;               // its name, for messages
    api::Result<std::string> text;  // or why it could not be read
};

// "ConnectionPool" and "namespace/name".
struct ResourceKey {
    std::string kind;
    std::string name;

    auto operator<=>(const ResourceKey&) const = default;
};

struct ManifestFault {
    std::string place;                 // "orders.yaml:12"
    api::Error error;                  // its path is the field's
    std::optional<ResourceKey> about;  // absent: the text does not even say what it is about

    bool operator==(const ManifestFault&) const = default;
};
std::string to_string(const ManifestFault& fault);

// A resource, and the file that it was last seen in.
struct StoredResource {
    api::Manifest resource;
    std::string file;

    bool operator==(const StoredResource&) const = default;
};
const api::Metadata& metadata_of(const api::Manifest& resource);
ResourceKey key_of(const api::Manifest& resource);
api::Document encode_stored(const StoredResource& stored);
// Nothing if the document is none that encode_stored() made.
std::optional<StoredResource> decode_stored(const api::Document& document);

class ManifestStore {
 public:
    // `known` is what an earlier run kept.
    explicit ManifestStore(std::vector<StoredResource> known = {});

    struct Changes {
        std::set<ResourceKey> kept;     // new or other than before: to be kept beside the manifests
        std::set<ResourceKey> removed;  // no manifest says them any more
    };
    // Takes all manifests of the folder. `wall` is RFC 3339; `new_uid` makes a uid for a new
    // resource.
    Changes load(
        const std::vector<ManifestText>& texts,
        const std::string& wall,
        const std::function<std::string()>& new_uid
    );

    const std::map<ResourceKey, StoredResource>& resources() const { return resources_; }
    const std::vector<Secret>& secrets() const { return secrets_; }
    // A secret's manifest, or a text that may hold one, is wrong: no file of a secret may be
    // removed.
    bool secrets_are_complete() const { return secrets_are_complete_; }
    const std::vector<ManifestFault>& faults() const { return faults_; }

 private:
    class Loading;

    std::map<ResourceKey, StoredResource> resources_;
    std::vector<Secret> secrets_;
    bool secrets_are_complete_ = true;
    std::vector<ManifestFault> faults_;
};

}  // namespace penstock::host
