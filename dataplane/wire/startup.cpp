#include "dataplane/wire/startup.hpp"

#include "dataplane/wire/bytes.hpp"
#include "dataplane/wire/sql_state.hpp"
#include "dataplane/wire/writer.hpp"

namespace penstock::wire {
namespace {

constexpr std::size_t length_bytes = 4;
constexpr std::size_t code_bytes = 4;
// Request codes stand where a StartupMessage has its version, as "version" 1234.x.
constexpr std::uint32_t cancel_request_code = 1234U << 16U | 5678U;
constexpr std::uint32_t ssl_request_code = 1234U << 16U | 5679U;
constexpr std::uint32_t gssenc_request_code = 1234U << 16U | 5680U;

StartupPacket fault(std::string_view sql_state, std::string text) {
    StartupPacket packet;
    packet.kind = StartupKind::Fault;
    packet.sql_state = sql_state;
    packet.fault = std::move(text);
    return packet;
}

// Nothing that speaks the protocol sends it, or what does is leaving (Terminate).
StartupPacket bad_length() { return fault(sql_state::protocol_violation, {}); }

StartupPacket cancel_request(StartupPacket packet, ByteReader reader) {
    packet.kind = StartupKind::CancelRequest;
    packet.process_id = reader.u32();
    packet.cancel_key = reader.rest();
    if (!reader.ok() || packet.cancel_key.size() < cancel_key_bytes_min ||
        packet.cancel_key.size() > cancel_key_bytes_max) {
        return bad_length();
    }
    return packet;
}

StartupPacket startup_message(StartupPacket packet, ByteReader reader) {
    packet.kind = StartupKind::StartupMessage;
    while (true) {
        const std::string_view name = reader.c_string();
        if (name.empty()) break;
        const std::string_view value = reader.c_string();
        packet.parameters.emplace_back(name, value);
    }
    if (!reader.at_end()) {
        return fault(
            sql_state::protocol_violation,
            "invalid startup packet layout: expected terminator as last byte"
        );
    }
    return packet;
}

// Writes the length of everything from `start` over its placeholder there.
void close_packet(std::string& out, std::size_t start) {
    store_u32(out, start, static_cast<std::uint32_t>(out.size() - start));
}

}  // namespace

StartupPacket read_startup(std::string_view bytes) {
    StartupPacket packet;
    if (bytes.starts_with(tls_handshake_byte)) {
        packet.kind = StartupKind::DirectTls;
        return packet;
    }
    if (bytes.size() < length_bytes) return packet;
    const std::size_t size = load_u32(bytes.data());
    if (size < length_bytes + code_bytes || size > length_bytes + startup_body_max) {
        return bad_length();
    }
    if (bytes.size() < size) return packet;

    packet.size = size;
    ByteReader reader(bytes.substr(length_bytes, size - length_bytes));
    const std::uint32_t code = reader.u32();
    if (code == cancel_request_code) return cancel_request(std::move(packet), reader);
    if (code == ssl_request_code || code == gssenc_request_code) {
        if (!reader.at_end()) return bad_length();
        packet.kind =
            code == ssl_request_code ? StartupKind::SSLRequest : StartupKind::GSSENCRequest;
        return packet;
    }
    const std::uint32_t major = code >> 16U;
    packet.protocol_minor = code & 0xffffU;
    if (major != protocol_major) {
        return fault(
            sql_state::feature_not_supported,
            "unsupported frontend protocol " + std::to_string(major) + "." +
                std::to_string(packet.protocol_minor) + ": server supports 3.0 to 3." +
                std::to_string(protocol_minor_max)
        );
    }
    return startup_message(std::move(packet), reader);
}

void write_startup_message(
    std::string& out, std::uint32_t protocol_minor, const Parameters& parameters
) {
    const std::size_t start = out.size();
    append_u32(out, 0);
    append_u32(out, protocol_major << 16U | protocol_minor);
    for (const auto& [name, value] : parameters) {
        out.append(name).push_back('\0');
        out.append(value).push_back('\0');
    }
    out.push_back('\0');
    close_packet(out, start);
}

void write_ssl_request(std::string& out) {
    append_u32(out, length_bytes + code_bytes);
    append_u32(out, ssl_request_code);
}

void write_cancel_request(std::string& out, std::uint32_t process_id, std::string_view cancel_key) {
    const std::size_t start = out.size();
    append_u32(out, 0);
    append_u32(out, cancel_request_code);
    append_u32(out, process_id);
    out.append(cancel_key);
    close_packet(out, start);
}

void write_negotiate_protocol_version(
    std::string& out,
    std::uint32_t protocol_minor,
    const std::vector<std::string_view>& unknown_options
) {
    MessageWriter message(out, Backend::NegotiateProtocolVersion);
    message.u32(protocol_major << 16U | protocol_minor);
    message.u32(static_cast<std::uint32_t>(unknown_options.size()));
    for (const std::string_view option : unknown_options) message.c_string(option);
}

}  // namespace penstock::wire
