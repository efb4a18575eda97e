#include "crds/api/check.hpp"
#include "dataplane/wire/userlist.hpp"

using namespace penstock;

namespace {

std::string quoted(std::string_view text) {
    std::string out{'"'};
    for (const char c : text) out += c == '"' ? std::string{"\"\""} : std::string{c};
    return out + '"';
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto table = wire::parse_userlist({reinterpret_cast<const char*>(data), size});
    if (!table) {
        CHECK(!table.error().empty());
        return 0;
    }
    // Written out and read again it is the same.
    std::string text;
    for (const auto& [user, secret] : *table) {
        text += quoted(user) + ' ' + quoted(secret.text) + '\n';
    }
    const auto again = wire::parse_userlist(text);
    CHECK(again && again->size() == table->size());
    for (const auto& [user, secret] : *table) CHECK(*again->find(user) == secret);
    return 0;
}
