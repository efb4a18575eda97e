// A whole resource as a user writes it or the API server gives it: apiVersion, kind, metadata,
// spec, status.
#pragma once

#include "crds/api/backpressure.hpp"
#include "crds/api/connection_pool.hpp"
#include "crds/api/decode.hpp"

#include <variant>

namespace penstock::api {

using Manifest = std::variant<ConnectionPool, Backpressure>;

// The resource, or every fault. `unknown` is for the spec and the top level; metadata may hold more
// than is read. A status that cannot be read counts as none: it is found again.
Checked<Manifest> decode_manifest(
    const Document& document, UnknownKeys unknown = UnknownKeys::Refuse
);

// The resource with all its fields, defaults included.
Document encode_manifest(const ConnectionPool& pool);
Document encode_manifest(const Backpressure& policy);

// "namespace/name"
std::string qualified_name(const Metadata& metadata);

}  // namespace penstock::api
