// Reads the text of a kubeconfig file: contexts, clusters and users by name.
#pragma once

#include "operator/kube/credentials.hpp"

#include <string>

namespace penstock::kube {

// `file` is for error messages, and relative paths start at its folder. Without a context: the
// current one.
api::Result<Credentials> read_kubeconfig(
    const std::string& text, const std::string& file, const std::string& context
);

}  // namespace penstock::kube
