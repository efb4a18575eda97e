#include "operator/host/secret_files.hpp"

#include "operator/host/files.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <set>

#include <nlohmann/json.hpp>

namespace penstock::host {

namespace {

using nlohmann::ordered_json;
namespace fs = std::filesystem;

std::optional<std::string> decode_base64(const std::string& text) {
    constexpr std::string_view alphabet =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string bytes;
    std::uint32_t bits = 0;
    int count = 0;
    std::size_t padding = 0, letters = 0;
    for (const char letter : text) {
        if (letter == '\n' || letter == '\r' || letter == ' ') continue;
        if (letter == '=') {
            ++padding;
            continue;
        }
        const std::size_t value = alphabet.find(letter);
        if (value == std::string_view::npos || padding > 0) return std::nullopt;
        ++letters;
        bits = (bits << 6) | static_cast<std::uint32_t>(value);
        count += 6;
        if (count >= 8) {
            count -= 8;
            bytes += static_cast<char>((bits >> count) & 0xFF);
        }
    }
    if ((letters + padding) % 4 != 0 || padding > 2) return std::nullopt;
    return bytes;
}

// What may be a file's name and nothing else: letters, digits, '-', '_', '.'; not "." or "..".
bool is_plain_name(const std::string& name) {
    constexpr std::string_view others = "-_.";
    return !name.empty() && name.size() <= 253 &&
           name.find_first_not_of('.') != std::string::npos &&
           std::all_of(name.begin(), name.end(), [&](char c) {
               return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      others.find(c) != std::string_view::npos;
           });
}

class SecretDecoder {
 public:
    api::Checked<Secret> decode(const ordered_json& document) {
        const auto metadata = document.find("metadata");
        if (metadata == document.end() || !metadata->is_object()) {
            return tl::unexpected(std::vector{api::Error{"metadata", "must be set, with a name"}});
        }
        secret_.name = name_at(*metadata, "name", "");
        secret_.name_space = name_at(*metadata, "namespace", "default");
        take(document, "data", true);
        take(document, "stringData", false);
        if (!faults_.empty()) return tl::unexpected(faults_);
        return secret_;
    }

 private:
    std::string name_at(const ordered_json& metadata, const char* key, const char* absent) {
        const auto at = metadata.find(key);
        std::string name = at == metadata.end() ? absent
                           : at->is_string()    ? at->get<std::string>()
                                                : "";
        if (!is_plain_name(name)) {
            faults_.push_back(
                {std::string("metadata.") + key,
                 "must be letters, digits, '-' and '.', like app-users"}
            );
        }
        return name;
    }

    void take(const ordered_json& document, const char* field, bool is_base64) {
        const auto entries = document.find(field);
        if (entries == document.end() || entries->is_null()) return;
        if (!entries->is_object()) {
            faults_.push_back({field, "must be a map from keys to texts"});
            return;
        }
        for (const auto& [key, value] : entries->items()) {
            const std::string path = std::string(field) + "." + key;
            if (!is_plain_name(key)) {
                faults_.push_back({path, "key must be letters, digits, '-', '_' and '.'"});
            } else if (!value.is_string()) {
                faults_.push_back({path, "must be a text; put quotes around it"});
            } else if (!is_base64) {
                secret_.data[key] = value.get<std::string>();
            } else if (auto bytes = decode_base64(value.get<std::string>())) {
                secret_.data[key] = *std::move(bytes);
            } else {
                faults_.push_back({path, "must be base64; plain text goes to stringData"});
            }
        }
    }

    Secret secret_;
    std::vector<api::Error> faults_;
};

// Every text in the document.
void collect_texts(const ordered_json& node, std::set<std::string>& texts) {
    if (node.is_string()) texts.insert(node.get<std::string>());
    if (!node.is_structured()) return;
    for (const auto& child : node) collect_texts(child, texts);
}

}  // namespace

api::Checked<Secret> decode_secret(const ordered_json& document) {
    return SecretDecoder().decode(document);
}

api::Checked<bool> SecretFiles::sync(const std::vector<Secret>& secrets, Surplus surplus) {
    bool changed = false;
    std::vector<api::Error> faults;
    const auto tried = [&](const api::Result<void>& result) {
        if (!result) faults.push_back(result.error());
        return result.has_value();
    };
    std::set<fs::path> wanted;
    for (const Secret& secret : secrets) {
        const fs::path folder = folder_ / secret.name_space / secret.name;
        wanted.insert(folder_ / secret.name_space);
        wanted.insert(folder);
        if (!tried(make_folder(folder, FileMode::Private))) continue;
        for (const auto& [key, value] : secret.data) {
            wanted.insert(folder / key);
            const auto present = read_file(folder / key);
            if (present && *present == value) continue;
            if (tried(replace_file(folder / key, value, FileMode::Private))) changed = true;
        }
    }
    std::vector<fs::path> unwanted;
    std::error_code error;
    for (auto at = fs::recursive_directory_iterator(folder_, error);
         surplus == Surplus::Remove && !error && at != fs::recursive_directory_iterator();
         at.increment(error)) {
        if (wanted.count(at->path()) > 0) continue;
        unwanted.push_back(at->path());
        if (at->is_directory()) at.disable_recursion_pending();
    }
    for (const fs::path& path : unwanted) {
        if (tried(remove_tree(path))) changed = true;
    }
    if (!faults.empty()) return tl::unexpected(faults);
    return changed;
}

std::set<SecretKey> secret_keys_named(const ordered_json& document, const fs::path& folder) {
    std::set<std::string> texts;
    collect_texts(document, texts);
    const std::string prefix = folder.string() + "/";
    std::set<SecretKey> named;
    for (const std::string& text : texts) {
        if (text.compare(0, prefix.size(), prefix) != 0) continue;
        const fs::path file = text.substr(prefix.size());
        named.insert({file.parent_path().string(), file.filename().string()});
    }
    return named;
}

std::set<std::string> missing_secrets(const ordered_json& document, const fs::path& folder) {
    std::set<std::string> missing;
    for (const SecretKey& named : secret_keys_named(document, folder)) {
        std::error_code error;
        const fs::path secret = folder / named.secret;
        if (fs::exists(secret / named.key, error)) continue;
        missing.insert(
            fs::exists(secret, error)
                ? "Secret " + named.secret + " has no key " + named.key + "; add it"
                : "Secret " + named.secret + " is missing; add its manifest"
        );
    }
    return missing;
}

}  // namespace penstock::host
