// The CustomResourceDefinition documents of both kinds.
#pragma once

#include "crds/api/document.hpp"

namespace penstock::api {

Document connection_pool_definition();
Document backpressure_definition();

}  // namespace penstock::api
