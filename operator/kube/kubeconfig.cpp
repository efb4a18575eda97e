#include "operator/kube/kubeconfig.hpp"

#include "crds/api/document.hpp"
#include "crds/yaml/yaml.hpp"
#include "operator/kube/base64.hpp"

#include <filesystem>
#include <string_view>
#include <vector>

namespace penstock::kube {
namespace {

using api::Document;

std::string text_at(const Document& document, const char* key) {
    if (!document.is_object()) return "";
    const auto found = document.find(key);
    return found != document.end() && found->is_string() ? found->get<std::string>() : "";
}

// Base64 may be written in any number of lines.
std::string without_blanks(std::string text) {
    std::erase_if(text, [](char c) { return c == ' ' || c == '\n' || c == '\r'; });
    return text;
}

class Reader {
 public:
    Reader(std::string file, std::string context)
        : file_(std::move(file)), context_(std::move(context)) {}

    api::Result<Credentials> read(const Document& config) {
        if (context_.empty()) context_ = text_at(config, "current-context");
        if (context_.empty())
            return fault("has no current-context; pass --context NAME, one of" + names(config));
        const Document* context = entry(config, "contexts", "context", context_);
        if (context == nullptr)
            return fault("has no context " + context_ + ", only" + names(config));
        const std::string cluster_name = text_at(*context, "cluster");
        const Document* cluster = entry(config, "clusters", "cluster", cluster_name);
        if (cluster == nullptr)
            return in_context("names the cluster \"" + cluster_name + "\", which is not there");
        const std::string user_name = text_at(*context, "user");
        const Document* user = entry(config, "users", "user", user_name);
        if (user == nullptr)
            return in_context("names the user \"" + user_name + "\", which is not there");

        Credentials found;
        found.origin = "kubeconfig " + file_ + ", context " + context_;
        found.name_space = text_at(*context, "namespace");
        if (found.name_space.empty()) found.name_space = "default";
        if (auto read = read_cluster(*cluster, found); !read) return tl::unexpected(read.error());
        if (auto read = read_user(*user, found); !read) return tl::unexpected(read.error());
        return found;
    }

 private:
    tl::unexpected<api::Error> fault(const std::string& text) const {
        return tl::unexpected(api::Error{file_, text});
    }
    tl::unexpected<api::Error> in_context(const std::string& text) const {
        return fault("context " + context_ + " " + text);
    }

    // The value of a named entry of one of the file's lists.
    static const Document* entry(
        const Document& config, const char* list, const char* key, const std::string& name
    ) {
        const auto found = config.find(list);
        if (found == config.end() || !found->is_array()) return nullptr;
        for (const Document& each : *found) {
            if (text_at(each, "name") != name) continue;
            const auto value = each.find(key);
            if (value != each.end() && value->is_object()) return &*value;
        }
        return nullptr;
    }

    static std::string names(const Document& config) {
        std::string all;
        const auto found = config.find("contexts");
        if (found != config.end() && found->is_array())
            for (const Document& each : *found) all += " " + text_at(each, "name");
        return all.empty() ? " none" : all;
    }

    // KEY-data holds the bytes themselves and goes before KEY, which names a file.
    api::Result<Material> material(const Document& from, const std::string& key) const {
        const std::string data = text_at(from, (key + "-data").c_str());
        if (!data.empty()) {
            const auto bytes = decode_base64(without_blanks(data));
            if (!bytes) return in_context("has a " + key + "-data that is not base64");
            return Material{"", *bytes};
        }
        return Material{path_of(text_at(from, key.c_str())), ""};
    }

    std::string path_of(const std::string& path) const {
        if (path.empty() || path[0] == '/') return path;
        return (std::filesystem::path(file_).parent_path() / path).string();
    }

    api::Result<void> read_cluster(const Document& cluster, Credentials& found) const {
        found.server = text_at(cluster, "server");
        while (found.server.ends_with('/')) found.server.pop_back();
        if (!found.server.starts_with("https://"))
            return in_context(
                "has the server " + found.server +
                "; it must begin with https://, as a token would be read by everybody on the way"
            );
        const auto skip = cluster.find("insecure-skip-tls-verify");
        if (skip != cluster.end() && skip->is_boolean() && skip->get<bool>())
            return in_context(
                "sets insecure-skip-tls-verify, which would let anybody be the API server: "
                "set certificate-authority or certificate-authority-data instead"
            );
        for (const char* key : {"tls-server-name", "proxy-url"})
            if (!text_at(cluster, key).empty())
                return in_context(
                    "sets " + std::string(key) +
                    ", which is not supported: give a server that is reached directly and whose "
                    "certificate has its name"
                );
        auto ca = material(cluster, "certificate-authority");
        if (!ca) return tl::unexpected(ca.error());
        found.ca = *ca;
        return {};
    }

    api::Result<void> read_user(const Document& user, Credentials& found) const {
        for (const char* key : {"exec", "auth-provider"})
            if (user.contains(key))
                return in_context(
                    "gets its token from a program (" + std::string(key) +
                    "), which is not supported: use a service account's token (kubectl create "
                    "token NAME) as token or tokenFile, or a client certificate"
                );
        if (user.contains("username") || user.contains("password"))
            return in_context("has a password, which Kubernetes no longer takes: use a token");
        auto certificate = material(user, "client-certificate");
        if (!certificate) return tl::unexpected(certificate.error());
        auto key = material(user, "client-key");
        if (!key) return tl::unexpected(key.error());
        if (certificate->empty() != key->empty())
            return in_context("must have both client-certificate and client-key, or neither");
        found.client_certificate = *certificate;
        found.client_key = *key;
        found.token = {path_of(text_at(user, "tokenFile")), text_at(user, "token")};
        if (!found.token.file.empty()) found.token.text.clear();
        if (found.token.empty() && certificate->empty())
            return in_context("has neither a token nor a client certificate for its user");
        return {};
    }

    std::string file_;
    std::string context_;
};

}  // namespace

api::Result<Credentials> read_kubeconfig(
    const std::string& text, const std::string& file, const std::string& context
) {
    const auto config = yaml::read_one(text, file);
    if (!config) return tl::unexpected(config.error());
    if (!config->is_object())
        return tl::unexpected(api::Error{file, "is no kubeconfig: it must be an object"});
    return Reader(file, context).read(*config);
}

}  // namespace penstock::kube
