// What a client link begins with, before messages have type bytes: StartupMessage, SSLRequest,
// GSSENCRequest, CancelRequest, or a TLS record without any of them. Reading for the proxy's
// client links, writing for its server links. Pure; owns no bytes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace penstock::wire {

inline constexpr std::uint32_t protocol_major = 3;
// The newest minor version that is spoken: 3.2 has longer cancel keys than 3.0.
inline constexpr std::uint32_t protocol_minor_max = 2;
// PostgreSQL's MAX_STARTUP_PACKET_LENGTH: what follows the length word.
inline constexpr std::size_t startup_body_max = 10'000;
// Cancel keys in bytes: 4 in protocol 3.0, up to 256 in 3.2.
inline constexpr std::size_t cancel_key_bytes_min = 4;
inline constexpr std::size_t cancel_key_bytes_max = 256;
// PostgreSQL's NAMEDATALEN less its terminating zero: longer names are cut, between any two bytes.
inline constexpr std::size_t name_bytes_max = 63;
// First byte of a TLS record that opens a handshake.
inline constexpr char tls_handshake_byte = 0x16;

enum class StartupKind : std::uint8_t {
    NeedMore,  // the packet has not arrived in whole
    StartupMessage,
    SSLRequest,
    GSSENCRequest,
    CancelRequest,
    DirectTls,  // the client begins TLS without asking
    Fault,
};

// Views point into the bytes that were read. Only the fields of the kind are set.
struct StartupPacket {
    StartupKind kind = StartupKind::NeedMore;
    std::size_t size = 0;  // bytes that the packet takes; 0 for NeedMore, DirectTls and Fault
    // StartupMessage
    std::uint32_t protocol_minor = 0;
    std::vector<std::pair<std::string_view, std::string_view>> parameters;  // in the client's order
    // CancelRequest
    std::uint32_t process_id = 0;
    std::string_view cancel_key;
    // Fault: in PostgreSQL's words; empty where it closes without a word
    std::string_view sql_state;
    std::string fault;
};

// The packet at the front of `bytes`, which may hold more behind it. A bad length is a fault as
// soon as its four bytes are there.
StartupPacket read_startup(std::string_view bytes);

using Parameters = std::vector<std::pair<std::string, std::string>>;

// Requires: no zero bytes in names and values, no empty name.
void write_startup_message(
    std::string& out, std::uint32_t protocol_minor, const Parameters& parameters
);
void write_ssl_request(std::string& out);
void write_cancel_request(std::string& out, std::uint32_t process_id, std::string_view cancel_key);

// The answer to a minor version above ours, or to protocol options ("_pq_." names) unknown to us.
void write_negotiate_protocol_version(
    std::string& out,
    std::uint32_t protocol_minor,
    const std::vector<std::string_view>& unknown_options
);

}  // namespace penstock::wire
