// Which API server to speak to and as whom: what a Pod is given, or a kubeconfig file. Read once at
// start; what lies in files (CA, certificate, key, token) is read anew whenever it is needed, so
// that rotation needs no restart. Values; reading them is safe from any thread.
#pragma once

#include "crds/api/result.hpp"

#include <string>

namespace penstock::kube {

// Text that lies in a file, or that was given itself.
struct Material {
    std::string file;
    std::string text;

    bool empty() const { return file.empty() && text.empty(); }
    // The error names the file.
    api::Result<std::string> read() const;
};

struct Credentials {
    std::string origin;      // for people: "the Pod's service account"
    std::string server;      // "https://10.96.0.1:443", without a slash at its end
    std::string name_space;  // where things without a namespace belong: the Pod's, the context's
    Material ca;             // empty: the authorities of this host
    Material client_certificate;
    Material client_key;
    Material token;
};

// What finding them depends on, of this process.
struct Environment {
    std::string service_host;  // KUBERNETES_SERVICE_HOST
    std::string service_port;  // KUBERNETES_SERVICE_PORT
    std::string kubeconfig;    // KUBECONFIG
    std::string home;          // HOME
    std::string service_account = "/var/run/secrets/kubernetes.io/serviceaccount";
};
Environment environment_of_process();

// Those of the file that was named; else the Pod's; else $KUBECONFIG; else ~/.kube/config.
api::Result<Credentials> find_credentials(
    const std::string& kubeconfig, const std::string& context, const Environment& environment
);

api::Result<Credentials> in_cluster(const Environment& environment);

// Without a context: the file's current one. Refused with the remedy: turning off verification,
// passwords, and plug-ins that would run a program.
api::Result<Credentials> from_kubeconfig(const std::string& file, const std::string& context);

}  // namespace penstock::kube
