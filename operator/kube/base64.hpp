// The values of a Secret's data (RFC 4648, section 4).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace penstock::kube {

std::string encode_base64(std::string_view bytes);
// Nothing if it is no such text.
std::optional<std::string> decode_base64(std::string_view text);

}  // namespace penstock::kube
