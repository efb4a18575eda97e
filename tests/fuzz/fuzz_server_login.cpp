#include "crds/api/check.hpp"
#include "dataplane/session/server_login.hpp"
#include "tests/fuzz/pieces.hpp"

using namespace penstock;
using session::ServerLoginStep;

namespace {

const wire::ScramKeys keys = wire::scram_keys("pencil", "stored salt", 10);

session::ServerLogin make_login(unsigned choice) {
    session::ServerLoginSecret secret;
    if ((choice & 1U) != 0) secret.secret = {wire::SecretKind::Plain, "pencil", {}, {}};
    if ((choice & 2U) != 0) secret.scram_keys = keys;
    const session::ServerLoginSettings settings{
        .user = "app",
        .database = "orders",
        .parameters = {},
        .application_name = "penstock/1",
        .tls = static_cast<session::ServerTls>(choice / 4 % 3),
        .protocol_minor = choice / 16 % 2 * 2,
    };
    return {settings, std::move(secret), {}};
}

struct Ended {
    ServerLoginStep step = ServerLoginStep::NeedMore;
    std::string out;
};

Ended run(session::ServerLogin login, fuzz::Pieces pieces, std::string* whole) {
    Ended ended;
    std::string in;
    login.start(ended.out);
    while (!pieces.is_empty() && ended.step == ServerLoginStep::NeedMore) {
        const std::string_view piece = pieces.next();
        in += piece;
        if (whole != nullptr) whole->append(piece);
        std::size_t consumed = 0;
        ended.step = login.feed(in, ended.out, consumed);
        CHECK(consumed <= in.size());
        in.erase(0, consumed);
        // The longest message that is read, and its header.
        if (ended.step == ServerLoginStep::NeedMore) CHECK(in.size() < 5 + 64 * 1024);
        if (ended.step == ServerLoginStep::StartTls) {
            CHECK(in.empty());
            login.tls_established(ended.out);
            ended.step = ServerLoginStep::NeedMore;
        }
    }
    if (ended.step == ServerLoginStep::Failed) {
        CHECK(!login.failure().message.empty() && !login.failure().sql_state.empty());
    }
    return ended;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Pieces pieces(data, size);
    const unsigned choice = pieces.choice();
    std::string stream{'\xff'};
    const Ended ended = run(make_login(choice), pieces, &stream);

    // In one piece it ends as in many, unless TLS comes between.
    const bool asks_for_tls = choice / 4 % 3 != 0;
    if (asks_for_tls) return 0;
    const fuzz::Pieces whole(reinterpret_cast<const std::uint8_t*>(stream.data()), stream.size());
    const Ended again = run(make_login(choice), whole, nullptr);
    CHECK(again.step == ended.step && again.out == ended.out);
    return 0;
}
