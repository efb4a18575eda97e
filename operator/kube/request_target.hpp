// Text around HTTP that the library does not get right or has no word for.
#pragma once

#include "operator/runtime/request.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace penstock::kube {

// "/api/v1/pods?labelSelector=a%3Db": everything in a query but letters, digits and -._~ escaped.
std::string request_target(const runtime::Request& request);

// Of Retry-After; nothing for a date.
std::optional<std::chrono::seconds> read_seconds(std::string_view text);

// Whether the host of "https://HOST:PORT/..." is an address and not a name.
bool is_ip_address(std::string_view server);

}  // namespace penstock::kube
