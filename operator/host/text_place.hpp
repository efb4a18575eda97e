// Where in a YAML text something stands, for messages. Knows block style by its indentation; in
// flow style the place is the line that the outermost brackets begin on. Pure.
#pragma once

#include <cstddef>
#include <string_view>

namespace penstock::host {

// Line (from 1) of the field with the path "spec.database.host" or "spec.targetRefs[2].name" in the
// `document`th (from 0) document that is not empty; of the nearest thing around it that is written
// there otherwise.
int line_of(std::string_view text, std::size_t document, std::string_view field_path);

}  // namespace penstock::host
