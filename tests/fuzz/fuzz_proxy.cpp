// Logged-in clients and servers that say anything, at any time, in any pieces: the Proxy stays
// whole and keeps nothing of them.
#include "crds/api/check.hpp"
#include "dataplane/pool/board.hpp"
#include "dataplane/proxy/proxy.hpp"
#include "dataplane/wire/authentication.hpp"
#include "dataplane/wire/writer.hpp"
#include "tests/fuzz/pieces.hpp"
#include "tests/support/seeded_random.hpp"

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

using namespace penstock;
using proxy::ActionKind;
using proxy::LinkKind;

namespace {

struct Link {
    proxy::LinkId id;
    bool is_open = true;
    bool is_shut = false;
};

std::shared_ptr<const proxy::Settings> settings_of(unsigned choice) {
    auto settings = std::make_shared<proxy::Settings>();
    settings->login.authentication = session::ClientAuthentication::Trust;
    settings->application_tag = "penstock/1";
    settings->database_address = "db:5432";
    settings->drain_timeout = std::chrono::milliseconds(200);
    settings->pool_mode =
        (choice & 1U) != 0 ? proxy::PoolMode::Session : proxy::PoolMode::Transaction;
    settings->prepared_statements_max = (choice & 2U) != 0 ? 1 : 100;
    return settings;
}

class Play {
 public:
    explicit Play(unsigned choice) : proxy_(0, random_, board_, settings_of(choice), now_) {}

    void log_in_client() {
        links_.push_back({proxy_.accepted(now_)});
        std::string packet;
        const std::string fields("user\0app\0database\0app\0\0", 23);
        wire::append_u32(packet, static_cast<std::uint32_t>(8 + fields.size()));
        wire::append_u32(packet, 3 << 16);
        say(links_.size() - 1, packet + fields);
    }
    void say(std::size_t at, std::string_view bytes) {
        if (!links_[at].is_open || bytes.empty()) return;
        const std::string copy(bytes);  // a view that outlives the event is found out
        proxy_.received(links_[at].id, copy, now_);
        perform();
    }
    void close(std::size_t at) {
        if (!links_[at].is_open) return;
        links_[at].is_open = false;
        proxy_.closed(links_[at].id, "closed", now_);
        perform();
    }
    void end(std::size_t at) {
        if (!links_[at].is_open || links_[at].id.kind != LinkKind::Client) return;
        proxy_.ended(links_[at].id, now_);
        perform();
    }
    void pass(proxy::Duration duration) {
        for (const proxy::TimePoint until = now_ + duration; now_ < until;) {
            now_ = std::max(now_ + std::chrono::milliseconds(1), proxy_.next_tick());
            proxy_.tick(now_);
            perform();
        }
    }
    // Everybody leaves; then nothing may be left.
    void finish() {
        proxy_.drain(now_);
        perform();
        for (int turn = 0; turn < 100 && !is_drained_; ++turn) {
            for (std::size_t i = 0; i < links_.size(); ++i) {
                if (links_[i].is_shut || links_[i].id.kind == LinkKind::Cancel || turn > 50)
                    close(i);
            }
            pass(std::chrono::milliseconds(100));
        }
        for (std::size_t i = 0; i < links_.size(); ++i) close(i);
        const proxy::Census census = proxy_.census();
        CHECK(is_drained_ && census.clients + census.servers + census.cancels == 0);
        CHECK(census.statements + census.values == 0);
        CHECK(board_.used() == 0);
    }
    std::size_t links() const { return links_.size(); }

 private:
    void perform() {
        std::vector<std::size_t> opened;
        for (const proxy::Action& action : proxy_.actions()) {
            if (action.kind == ActionKind::Drained) is_drained_ = true;
            if (action.kind == ActionKind::Open) {
                opened.push_back(links_.size());
                links_.push_back({action.link});
            }
            for (Link& link : links_) {
                if (!link.is_open || !(link.id == action.link)) continue;
                if (action.kind == ActionKind::Send) CHECK(!link.is_shut);
                if (action.kind == ActionKind::ShutdownSend) link.is_shut = true;
                if (action.kind == ActionKind::Close || action.kind == ActionKind::Abort)
                    link.is_open = false;
            }
        }
        for (const std::size_t at : opened) answer(at);
    }
    // A server that has just been opened logs in; a cancel's connection is taken.
    void answer(std::size_t at) {
        proxy_.connected(links_[at].id, now_);
        perform();
        if (links_[at].id.kind != LinkKind::Server) return;
        std::string login;
        wire::write_authentication(login, wire::Authentication::Ok);
        wire::write_parameter_status(login, "TimeZone", "UTC");
        wire::write_parameter_status(login, "application_name", "penstock/1");
        wire::MessageWriter(login, wire::Backend::BackendKeyData).u32(7).u32(8);
        wire::write_ready_for_query(login, wire::TransactionStatus::Idle);
        say(at, login);
    }

    pool::Board board_{1, 2};
    proxy::TimePoint now_{std::chrono::hours(1)};
    test::SeededRandom random_{42};
    proxy::Proxy proxy_;
    std::vector<Link> links_;
    bool is_drained_ = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Pieces pieces(data, size);
    Play play(pieces.choice());
    play.log_in_client();
    play.log_in_client();
    while (!pieces.is_empty() && play.links() < 64) {
        const unsigned choice = pieces.choice();
        const std::size_t at = choice / 8 % play.links();
        switch (choice % 8) {
            case 0:
                play.close(at);
                break;
            case 1:
                play.end(at);
                break;
            case 2:
                play.pass(std::chrono::milliseconds(5 * pieces.choice()));
                break;
            case 3:
                play.log_in_client();
                break;
            default:
                play.say(at, pieces.next());
        }
    }
    play.finish();
    return 0;
}
