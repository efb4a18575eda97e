// How the simulation names links and shows bytes in its notes.
#pragma once

#include "dataplane/proxy/link_id.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace penstock::test {

inline std::pair<int, std::uint32_t> key_of(proxy::LinkId link) {
    return {static_cast<int>(link.kind), link.slot};
}

inline std::string name_of(std::uint32_t worker, proxy::LinkId link) {
    constexpr const char* kinds[] = {"client", "server", "cancel"};
    return "w" + std::to_string(worker) + " " + kinds[static_cast<int>(link.kind)] + " " +
           std::to_string(link.slot) + "/" + std::to_string(link.generation);
}

inline std::string shown(std::string_view bytes) {
    std::string text;
    for (const char c : bytes.substr(0, 160)) text += c < ' ' || c > '~' ? '.' : c;
    return bytes.size() > 160 ? text + "... " + std::to_string(bytes.size()) : text;
}

}  // namespace penstock::test
