// Secrets of the manifests as files that proxies read, laid out as Kubernetes mounts them:
// FOLDER/NAMESPACE/NAME/KEY, readable by their owner only. What a secret holds is never logged.
#pragma once

#include "crds/api/result.hpp"

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace penstock::host {

struct Secret {
    std::string name_space = "default";
    std::string name;
    std::map<std::string, std::string> data;  // decoded

    bool operator==(const Secret&) const = default;
};

// A v1 Secret: `data` in base64, `stringData` as it is and over it.
api::Checked<Secret> decode_secret(const nlohmann::ordered_json& document);

class SecretFiles {
 public:
    explicit SecretFiles(std::filesystem::path folder) : folder_(std::move(folder)) {}

    enum class Surplus { Remove, Keep };
    // Makes the files hold `secrets`, and with Surplus::Remove nothing else. True if a file was
    // changed or removed. Each file is replaced whole; on an error the rest is still tried.
    api::Checked<bool> sync(const std::vector<Secret>& secrets, Surplus surplus);

    const std::filesystem::path& folder() const { return folder_; }

 private:
    std::filesystem::path folder_;
};

// One key of one secret.
struct SecretKey {
    std::string secret;  // "default/users"
    std::string key;

    auto operator<=>(const SecretKey&) const = default;
};

// The keys whose files below `folder` the document names.
std::set<SecretKey> secret_keys_named(
    const nlohmann::ordered_json& document, const std::filesystem::path& folder
);

// Those of them that have no file, as "Secret default/users has no key userlist.txt; add it" or
// "Secret default/users is missing; add its manifest".
std::set<std::string> missing_secrets(
    const nlohmann::ordered_json& document, const std::filesystem::path& folder
);

}  // namespace penstock::host
