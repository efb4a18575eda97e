#include "crds/api/check.hpp"
#include "dataplane/session/client_login.hpp"
#include "tests/fuzz/pieces.hpp"

using namespace penstock;
using session::ClientLoginStep;

namespace {

// Bytes that the machine may leave unread: a startup packet or a password message, not yet whole.
constexpr std::size_t unread_max = 10'004;

wire::UserTable make_users() {
    wire::UserTable users;
    const auto verifier = wire::scram_verifier(wire::scram_keys("pencil", "stored salt", 10));
    users.add("app", wire::read_secret(wire::to_string(verifier)).value());
    users.add("plain", wire::read_secret("pencil").value());
    users.add("md5", wire::read_secret("md5fdba98970961edb29f88241b9d99d890").value());
    users.add("none", {});
    users.prepare_verifiers("process", 10);
    return users;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const wire::UserTable users = make_users();
    fuzz::Pieces pieces(data, size);
    const session::ClientLoginSettings settings{
        .authentication = static_cast<session::ClientAuthentication>(pieces.choice() % 3),
        .tls = static_cast<session::ClientTls>(pieces.choice() % 3),
        .mock_secret = "process",
        .scram_iterations = 10,
    };
    session::ClientLogin login(settings, users, {});
    std::string in;
    std::string out;
    while (!pieces.is_empty()) {
        in += pieces.next();
        std::size_t consumed = 0;
        ClientLoginStep step = login.feed(in, out, consumed);
        if (step == ClientLoginStep::DeriveKeys) {
            login.derived_verifier()->derive();
            step = login.keys_derived(out);
        }
        CHECK(consumed <= in.size());
        in.erase(0, consumed);
        switch (step) {
            case ClientLoginStep::NeedMore:
                CHECK(in.size() < unread_max);
                break;
            case ClientLoginStep::DeriveKeys:
                CHECK(false);
                break;
            case ClientLoginStep::StartTls:
                CHECK(settings.tls != session::ClientTls::Disable);
                CHECK(login.is_direct_tls() || (in.empty() && out.ends_with('S')));
                in.clear();
                login.tls_established();
                break;
            case ClientLoginStep::Authenticated:
                CHECK(users.find(login.request().user) != nullptr);
                CHECK(out.ends_with(std::string_view{"R\0\0\0\x08\0\0\0\0", 9}));
                return 0;
            case ClientLoginStep::Cancel:
            case ClientLoginStep::Close:
                return 0;
        }
    }
    return 0;
}
