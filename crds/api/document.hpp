// The one form that every document has between a file or a socket and a struct: ordered JSON.
// Pure text in and out; nothing here throws, whatever the bytes.
#pragma once

#include "crds/api/result.hpp"

#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

namespace penstock::api {

using Document = nlohmann::ordered_json;

// Reads one JSON text. The error names the byte at which it stops being JSON.
Result<Document> parse_json(std::string_view text);

// One line without spaces. Bytes that are no UTF-8 come out as U+FFFD.
std::string to_json_text(const Document& document);

// What a value is, for error messages: `the text "abc"`, `a list`, `nothing`. Long texts are cut.
std::string describe(const Document& value);

}  // namespace penstock::api
