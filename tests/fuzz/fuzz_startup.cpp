#include "crds/api/check.hpp"
#include "dataplane/wire/bytes.hpp"
#include "dataplane/wire/startup.hpp"

using namespace penstock;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string bytes(reinterpret_cast<const char*>(data), size);
    const wire::StartupPacket packet = wire::read_startup(bytes);
    CHECK(packet.size <= bytes.size());
    if (packet.kind == wire::StartupKind::NeedMore) return 0;

    // What follows a packet does not change it.
    const std::string more = bytes + "more";
    const wire::StartupPacket again = wire::read_startup(more);
    CHECK(again.kind == packet.kind && again.size == packet.size);

    if (packet.kind == wire::StartupKind::StartupMessage) {
        wire::Parameters parameters;
        for (const auto& [name, value] : packet.parameters) parameters.emplace_back(name, value);
        std::string written;
        wire::write_startup_message(written, packet.protocol_minor, parameters);
        CHECK(written == bytes.substr(0, packet.size));
    }
    if (packet.kind == wire::StartupKind::CancelRequest) {
        std::string written;
        wire::write_cancel_request(written, packet.process_id, packet.cancel_key);
        CHECK(written == bytes.substr(0, packet.size));
    }
    return 0;
}
