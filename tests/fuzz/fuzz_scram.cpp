#include "crds/api/check.hpp"
#include "dataplane/wire/digest.hpp"
#include "dataplane/wire/scram_client.hpp"
#include "dataplane/wire/scram_server.hpp"
#include "tests/fuzz/pieces.hpp"

using namespace penstock;

namespace {

const wire::ScramKeys keys = wire::scram_keys("pencil", "stored salt", 10);

void server(std::string_view first, std::string_view final) {
    wire::ScramServer scram{wire::scram_verifier(keys), "server"};
    if (!scram.first(first) || !scram.final(final)) return;
    CHECK(scram.take_keys() == keys);
}

void client(std::string_view first, std::string_view final) {
    wire::ScramClient scram{std::nullopt, keys, "client"};
    if (!scram.final(first) || !scram.check(final)) return;
    CHECK(scram.take_keys() == keys);
}

void verifier(std::string_view text) {
    const auto parsed = wire::parse_scram_verifier(text);
    if (parsed) CHECK(wire::parse_scram_verifier(wire::to_string(*parsed)) == parsed);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Pieces pieces(data, size);
    const unsigned side = pieces.choice() % 3;
    const std::string_view first = pieces.next();
    const std::string_view final = pieces.next();
    if (side == 0) server(first, final);
    if (side == 1) client(first, final);
    if (side == 2) verifier(first);
    return 0;
}
