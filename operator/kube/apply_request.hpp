// Requests that write, as values: server-side apply with the operator's one field manager.
#pragma once

#include "crds/api/document.hpp"
#include "operator/runtime/request.hpp"
#include "operator/runtime/resource.hpp"

#include <string>

namespace penstock::kube {

// Takes over the fields that the document names, whoever set them last.
// Requires: metadata has name and namespace.
runtime::Request apply_request(const runtime::Resource& kind, const api::Document& object);

// The same for the status alone. `object` has apiVersion, kind, metadata and status.
runtime::Request apply_status_request(const runtime::Resource& kind, const api::Document& object);

// Sets one annotation and nothing else.
runtime::Request annotate_request(
    const runtime::Resource& kind,
    const std::string& name_space,
    const std::string& name,
    const std::string& annotation,
    const std::string& value
);

}  // namespace penstock::kube
