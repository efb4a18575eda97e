#include "operator/kube/request_target.hpp"

#include <charconv>
#include <cstdint>
#include <utility>

#include <boost/asio/ip/address.hpp>

namespace penstock::kube {
namespace {

void escape(std::string& out, std::string_view text) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    constexpr std::string_view kept =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    for (const char c : text) {
        if (kept.find(c) != std::string_view::npos) {
            out += c;
            continue;
        }
        const auto byte = static_cast<unsigned char>(c);
        out += '%';
        out += digits[byte >> 4U];
        out += digits[byte & 15U];
    }
}

}  // namespace

std::string request_target(const runtime::Request& request) {
    std::string target = request.path;
    char separator = '?';
    for (const auto& [name, value] : request.query) {
        target += std::exchange(separator, '&');
        escape(target, name);
        target += '=';
        escape(target, value);
    }
    return target;
}

std::optional<std::chrono::seconds> read_seconds(std::string_view text) {
    std::uint32_t seconds = 0;
    const char* end = text.data() + text.size();
    const auto [at, fault] = std::from_chars(text.data(), end, seconds);
    if (fault != std::errc() || at != end) return std::nullopt;
    return std::chrono::seconds(seconds);
}

bool is_ip_address(std::string_view server) {
    std::size_t start = server.find("://");
    start = start == std::string_view::npos ? 0 : start + 3;
    std::string_view host = server.substr(start);
    host = host.substr(0, host.find('/'));
    if (host.starts_with('[')) return true;
    host = host.substr(0, host.rfind(':'));
    boost::system::error_code fault;
    boost::asio::ip::make_address(std::string(host), fault);
    return !fault;
}

}  // namespace penstock::kube
