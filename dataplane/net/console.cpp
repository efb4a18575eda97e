#include "dataplane/net/console.hpp"

#include <algorithm>
#include <cstdio>
#include <fstream>

#include <spdlog/spdlog.h>

namespace penstock::net {
namespace {

// A token is a few kilobytes of printable text; anything else must not become a header.
constexpr std::size_t token_bytes_max = 16'384;

// Empty if there is none.
std::string read_identity(const std::string& path) {
    std::ifstream file(path);
    std::string token;
    file >> token;
    const auto is_printable = [](char c) { return c > ' ' && c < '\x7f'; };
    if (token.size() > token_bytes_max || !std::ranges::all_of(token, is_printable)) return {};
    return token;
}

// Whole or not at all: whoever waits for the file never reads half a number.
bool write_port_file(const std::string& path, std::uint16_t port) {
    const std::string partial = path + ".partial";
    std::ofstream file(partial);
    file << port << '\n';
    file.close();
    if (file && std::rename(partial.c_str(), path.c_str()) == 0) return true;
    spdlog::error("admin.portFile: cannot write \"{}\"", path);
    return false;
}

}  // namespace

Console::Console()
    : admin_(
          context_,
          [this](const AdminRequest& request) { return answer(request, pages_, admin_door_); }
      ),
      grants_(context_, [this](const AdminRequest& request) { return answer_grants(request); }) {}

bool Console::open(const api::DataplaneConfig& document) {
    const api::AdminListen& admin = document.admin;
    admin_door_ = admin.grants ? Door::Observations : Door::All;
    const auto port = admin_.open(admin.address, static_cast<std::uint16_t>(admin.port));
    if (!port) {
        spdlog::error("admin: {}", api::to_string(port.error()));
        return false;
    }
    spdlog::info("listening on {}:{} for administration", admin.address, *port);
    if (admin.grants && !open_grants(*admin.grants)) return false;
    admin_port_ = *port;
    return !admin.port_file || write_port_file(*admin.port_file, admin_port_);
}

bool Console::open_grants(const api::GrantsListen& grants) {
    const auto port = grants_.open_tls(grants.address, static_cast<std::uint16_t>(grants.port));
    if (!port) {
        spdlog::error("admin.grants: {}", api::to_string(port.error()));
        return false;
    }
    grants_port_ = *port;
    spdlog::info("listening on {}:{} for grants", grants.address, grants_port_);
    return true;
}

void Console::configure(const Reading& reading) {
    if (reading.document && reading.document->admin.grants) {
        identity_token_file_ = reading.document->admin.grants->identity_token_file;
    }
    if (!reading.grants.tls || reading.grants.authorities == authorities_) return;
    authorities_ = reading.grants.authorities;
    grants_.set_tls(reading.grants.tls);
}

AdminResponse Console::answer_grants(const AdminRequest& request) const {
    AdminResponse made = answer(request, pages_, Door::Grants);
    if (identity_token_file_) made.identity = read_identity(*identity_token_file_);
    return made;
}

}  // namespace penstock::net
