// Where an HTTP server is. A value.
#pragma once

#include <cstdint>
#include <string>

namespace penstock::http {

struct Endpoint {
    std::string address = "127.0.0.1";  // IPv4 or IPv6, no name
    std::uint16_t port = 0;

    bool operator==(const Endpoint&) const = default;
};

// "10.0.0.1:80", "[fd00::1]:80".
inline std::string to_string(const Endpoint& endpoint) {
    const bool is_v6 = endpoint.address.find(':') != std::string::npos;
    return (is_v6 ? "[" + endpoint.address + "]" : endpoint.address) + ":" +
           std::to_string(endpoint.port);
}

}  // namespace penstock::http
