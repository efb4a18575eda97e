// JSON text into every document that the programs read. What decodes must encode to a document that
// decodes to it.
#include "crds/api/check.hpp"
#include "crds/api/dataplane_config.hpp"
#include "crds/api/decode.hpp"
#include "crds/api/encode.hpp"
#include "crds/api/grant.hpp"
#include "crds/api/manifest.hpp"

#include <cstdint>

namespace {

using namespace penstock::api;

template <class S>
void decode_both_ways(const Document& document) {
    const auto decoded = decode<S>(document, UnknownKeys::Ignore);
    if (!decoded) {
        CHECK(!decoded.error().empty());
        return;
    }
    const auto again = decode<S>(encode(*decoded));
    CHECK(again && *again == *decoded);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    const auto document = parse_json({reinterpret_cast<const char*>(bytes), size});
    if (!document) return 0;
    const auto manifest = decode_manifest(*document, UnknownKeys::Warn);
    if (manifest) {
        const Document encoded =
            std::visit([](const auto& each) { return encode_manifest(each); }, *manifest);
        CHECK(decode_manifest(encoded) == manifest);
    } else {
        CHECK(!manifest.error().empty());
    }
    decode_both_ways<ConnectionPoolSpec>(*document);
    decode_both_ways<BackpressureSpec>(*document);
    decode_both_ways<DataplaneConfig>(*document);
    decode_both_ways<Grant>(*document);
    decode_both_ways<Report>(*document);
    return 0;
}
