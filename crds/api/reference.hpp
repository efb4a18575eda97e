// The reference page (docs/reference.md): every field of both kinds and of a proxy's configuration
// file.
#pragma once

#include <string>

namespace penstock::api {

// Markdown.
std::string reference_page();

}  // namespace penstock::api
