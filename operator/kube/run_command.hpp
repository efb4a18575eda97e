// `penstock-operator run`: the operator in a cluster. One of several replicas leads and works; the
// others wait for its Lease.
#pragma once

#include <chrono>
#include <string>
#include <vector>

namespace penstock::kube {

struct RunOptions {
    std::string kubeconfig;  // empty: the Pod's service account, $KUBECONFIG, ~/.kube/config
    std::string context;
    std::vector<std::string> namespaces;  // none: all
    std::string proxy_image;
    std::string name_space;  // the operator's own; empty: that of the credentials
    std::string identity;    // of this process; empty: host name and random digits
    std::string lease = "penstock-operator";
    std::string metrics_address = "0.0.0.0:8080";  // empty: none
    std::chrono::milliseconds interval{1000};      // between two exchanges with each proxy
    std::chrono::seconds key_validity{std::chrono::hours(24 * 365)};
    std::chrono::seconds key_spread{std::chrono::hours(24)};
};

// Until SIGTERM or SIGINT (0), or until the Lease is lost to another process (1): whoever starts
// it starts it again.
int run_in_cluster(const RunOptions& options);

}  // namespace penstock::kube
