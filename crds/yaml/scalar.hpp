// What an unquoted YAML scalar stands for.
#pragma once

#include "crds/api/document.hpp"

namespace penstock::yaml {

// Null, a boolean, a number or, for everything else, the text itself.
api::Document plain_scalar(std::string_view text);

// Whether `text` must be quoted to stay a text, for this reader and for YAML 1.1 readers.
bool needs_quotes(std::string_view text);

}  // namespace penstock::yaml
