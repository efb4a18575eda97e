#include "operator/kube/credentials.hpp"

#include "operator/kube/kubeconfig.hpp"

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <system_error>

#include <unistd.h>

namespace penstock::kube {
namespace {

std::string variable(const char* name) {
    const char* value = std::getenv(name);
    return value == nullptr ? "" : value;
}

bool is_readable(const std::string& file) { return ::access(file.c_str(), R_OK) == 0; }

// The first file of a list with colons that is there, else its first.
std::string first_of(const std::string& list) {
    std::string first;
    for (std::size_t at = 0; at <= list.size();) {
        const std::size_t end = std::min(list.find(':', at), list.size());
        const std::string file = list.substr(at, end - at);
        if (!file.empty() && is_readable(file)) return file;
        if (first.empty()) first = file;
        at = end + 1;
    }
    return first;
}

}  // namespace

api::Result<std::string> Material::read() const {
    if (file.empty()) return text;
    std::ifstream stream(file, std::ios::binary);
    if (!stream)
        return tl::unexpected(api::Error{
            file, "cannot be read: " + std::generic_category().message(errno)});
    std::string content{std::istreambuf_iterator<char>(stream), {}};
    if (stream.bad()) return tl::unexpected(api::Error{file, "cannot be read to its end"});
    return content;
}

Environment environment_of_process() {
    return {
        variable("KUBERNETES_SERVICE_HOST"),
        variable("KUBERNETES_SERVICE_PORT"),
        variable("KUBECONFIG"),
        variable("HOME")};
}

api::Result<Credentials> in_cluster(const Environment& environment) {
    const std::string& folder = environment.service_account;
    Credentials found;
    found.origin = "the Pod's service account";
    const bool is_v6 = environment.service_host.find(':') != std::string::npos;
    const std::string host =
        is_v6 ? "[" + environment.service_host + "]" : environment.service_host;
    found.server = "https://" + host + ":" +
                   (environment.service_port.empty() ? "443" : environment.service_port);
    found.ca.file = folder + "/ca.crt";
    found.token.file = folder + "/token";
    for (const std::string& file : {found.ca.file, found.token.file})
        if (!is_readable(file))
            return tl::unexpected(api::Error{
                file,
                "cannot be read, though KUBERNETES_SERVICE_HOST says that this is a Pod: set "
                "automountServiceAccountToken: true for the operator's Pod, or pass --kubeconfig"});
    if (auto name_space = Material{folder + "/namespace", ""}.read()) {
        name_space->erase(name_space->find_last_not_of(" \t\r\n") + 1);
        found.name_space = *name_space;
    }
    return found;
}

api::Result<Credentials> find_credentials(
    const std::string& kubeconfig, const std::string& context, const Environment& environment
) {
    if (!kubeconfig.empty()) return from_kubeconfig(kubeconfig, context);
    if (!environment.service_host.empty() && context.empty()) return in_cluster(environment);
    if (!environment.kubeconfig.empty())
        return from_kubeconfig(first_of(environment.kubeconfig), context);
    if (!environment.home.empty())
        return from_kubeconfig(environment.home + "/.kube/config", context);
    return tl::unexpected(api::Error{
        "", "this is no Pod, and neither KUBECONFIG nor HOME is set: pass --kubeconfig FILE"});
}

api::Result<Credentials> from_kubeconfig(const std::string& file, const std::string& context) {
    const auto text = Material{file, ""}.read();
    if (!text) {
        api::Error error = text.error();
        error.text += "; pass --kubeconfig FILE, or set KUBECONFIG";
        return tl::unexpected(error);
    }
    return read_kubeconfig(*text, file, context);
}

}  // namespace penstock::kube
