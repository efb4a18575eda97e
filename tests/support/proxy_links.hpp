// A Proxy and its links, whose other ends the test plays: performs the Proxy's actions and holds
// what it sent to each link. Reports every action on a link that is gone.
#pragma once

#include "dataplane/proxy/proxy.hpp"
#include "dataplane/session/parameters.hpp"
#include "dataplane/wire/bytes.hpp"
#include "tests/support/messages.hpp"
#include "tests/support/seeded_random.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace penstock::test {

using proxy::Action;
using proxy::ActionKind;
using proxy::LinkId;
using proxy::LinkKind;

struct PlayedLink {
    explicit PlayedLink(LinkId name) : id(name) {}

    LinkId id;
    std::string sent;        // by the Proxy, not yet taken
    std::string all_sent;    // by the Proxy, ever
    std::string received;    // by the Proxy, ever
    bool is_open = true;     // its name is not gone
    bool is_shut = false;    // the Proxy ended its sending direction
    bool is_paused = false;  // the Proxy does not want to read it
    bool has_tls = false;    // StartTls was asked for
    std::size_t sends = 0;   // Send actions
};

// Settings of a pool whose clients are trusted and that has no timeout but the drain's.
inline proxy::Settings plain_settings() {
    proxy::Settings settings;
    settings.login.authentication = session::ClientAuthentication::Trust;
    settings.application_tag = "penstock/1";
    settings.database_address = "db:5432";
    settings.drain_timeout = std::chrono::milliseconds(200);
    return settings;
}

class ProxyLinks {
 public:
    ProxyLinks(pool::Board& shared, const proxy::Settings& settings, std::uint32_t index = 0)
        : worker(index),
          board(shared),
          proxy(index, random, shared, std::make_shared<const proxy::Settings>(settings), now) {}

    // Index of the new link in `links`.
    std::size_t accept() {
        links.emplace_back(proxy.accepted(now));
        perform();
        return links.size() - 1;
    }
    void receive(std::size_t link, std::string_view bytes) {
        links[link].received += bytes;
        // The Proxy may look at the bytes no longer than until its actions are performed.
        const std::string copy(bytes);
        proxy.received(links[link].id, copy, now);
        perform();
    }
    void connect(std::size_t link) {
        proxy.connected(links[link].id, now);
        perform();
    }
    // The TLS handshake that was asked for has ended well.
    void establish_tls(std::size_t link, bool has_protocol = false) {
        proxy.tls_established(links[link].id, has_protocol, now);
        perform();
    }
    // The client will send no more.
    void end(std::size_t link) {
        proxy.ended(links[link].id, now);
        perform();
    }
    // The peer closes. Requires: the link is open.
    void close(std::size_t link, std::string_view reason = "connection reset") {
        links[link].is_open = false;
        proxy.closed(links[link].id, reason, now);
        perform();
    }
    // Time passes, with ticks when they are due.
    void pass(proxy::Duration duration) {
        const proxy::TimePoint end = now + duration;
        while (proxy.next_tick() <= end) {
            now = std::max(now, proxy.next_tick());
            tick();
        }
        now = end;
    }
    void tick() {
        proxy.tick(now);
        perform();
    }
    void configure(const proxy::Settings& settings) {
        proxy.configure(std::make_shared<const proxy::Settings>(settings), now);
        perform();
    }
    void set_limit(std::int32_t limit) {
        board.set_limit(limit);
        proxy.limits_changed(now);
        perform();
    }
    void drain() {
        proxy.drain(now);
        perform();
    }
    void adopt(proxy::MovedServerPtr moved) {
        links.emplace_back(proxy.adopt(std::move(moved), now));
        perform();
    }
    // Ends the derivations that were asked for.
    void derive_keys() {
        for (const LinkId link : std::exchange(deriving, {})) {
            if (const auto wanted = proxy.keys_wanted(link)) wanted->derive();
            proxy.keys_derived(link, now);
            perform();
        }
    }
    // Performs what the last entry asked for. Entries that have no member here call it themselves.
    void perform() {
        // The actions are the Proxy's and hold until its next entry: none is called from here.
        for (const Action& action : proxy.actions()) perform(action);
        answer_looks();
    }

    std::string take_sent(std::size_t link) { return std::exchange(links[link].sent, {}); }
    // The newest link that the Proxy opened or adopted of this kind; none: links.size().
    std::size_t newest(LinkKind kind) const {
        for (std::size_t i = links.size(); i-- > 0;) {
            if (links[i].id.kind == kind) return i;
        }
        return links.size();
    }
    // Nothing is left of any client and server, here and on the board.
    void expect_empty() const {
        const proxy::Metrics& m = proxy.metrics();
        EXPECT_EQ(m.clients.get(), 0U);
        EXPECT_EQ(m.clients_waiting.get(), 0U);
        EXPECT_EQ(m.clients_logging_in.get(), 0U);
        EXPECT_EQ(m.servers_opening.get(), 0U);
        EXPECT_EQ(m.servers_idle.get(), 0U);
        EXPECT_EQ(m.servers_busy.get(), 0U);
        EXPECT_EQ(m.servers_closing.get(), 0U);
        const bool is_alone = board.workers() == 1;
        EXPECT_TRUE(!is_alone || board.used() == 0) << board.used() << " permits";
        EXPECT_EQ(board.worker(worker).clients, 0);
        EXPECT_EQ(board.worker(worker).logging_in, 0);
        EXPECT_EQ(proxy.census().stash_bytes, 0);
        EXPECT_EQ(board.worker(worker).waiting, 0);
        EXPECT_EQ(board.worker(worker).busy, 0);
        EXPECT_EQ(board.worker(worker).closing, 0);
        for (const PlayedLink& link : links) {
            EXPECT_FALSE(link.is_open)
                << "link " << link.id.slot << " of kind " << static_cast<int>(link.id.kind);
        }
    }
    // Drains, with peers that close when they are asked to and clients that stay: then all is gone.
    void expect_drains() {
        drain();
        constexpr int soon = 20;
        for (int turn = 0; turn < 2 * soon && !is_drained; ++turn) {
            for (std::size_t i = 0; i < links.size(); ++i) {
                const PlayedLink& link = links[i];
                if (!link.is_open) continue;
                const bool is_asked = link.is_shut || link.id.kind == LinkKind::Cancel;
                if (is_asked) close(i, "end of stream");
            }
            pass(turn < soon ? std::chrono::milliseconds(25) : std::chrono::seconds(5));
        }
        EXPECT_TRUE(is_drained);
        for (std::size_t i = 0; i < links.size(); ++i) {
            if (links[i].is_open && links[i].id.kind == LinkKind::Cancel) close(i, "end of stream");
        }
        expect_empty();
    }

    // What servers answer to looks (proxy/greeting.cpp); while it is empty they do not.
    std::string fingerprint = "1";

    const std::uint32_t worker;
    pool::Board& board;
    proxy::TimePoint now{std::chrono::hours(1)};
    SeededRandom random{42};
    proxy::Proxy proxy;
    std::vector<PlayedLink> links;
    std::vector<Action> to_others;  // what concerns other workers, in order
    std::vector<LinkId> deriving;   // clients whose keys are wanted
    bool is_drained = false;

 private:
    // Looks are taken off what was sent and answered at once, so that scripts need not speak of
    // them. A RESET goes back to the first value that the server reported.
    void answer_looks() {
        if (fingerprint.empty()) return;
        for (std::size_t i = 0; i < links.size(); ++i) {
            PlayedLink& link = links[i];
            if (!link.is_open || link.id.kind != LinkKind::Server) continue;
            const std::string end = std::string(session::fingerprint_sql) + '\0';
            if (!link.sent.ends_with(end)) continue;
            // Where the message begins whose length reaches to the end.
            std::size_t at = link.sent.size() - end.size() - 5;
            const auto reaches_end = [&link](std::size_t from) {
                return link.sent[from] == 'Q' &&
                       wire::load_u32(link.sent.data() + from + 1) == link.sent.size() - from - 1;
            };
            while (at > 0 && !reaches_end(at)) --at;
            const std::string sql = link.sent.substr(at + 5);
            link.sent.resize(at);
            receive(i, answer_to_look(link, sql.substr(0, sql.size() - end.size())));
        }
    }
    std::string answer_to_look(const PlayedLink& link, const std::string& resets) const {
        std::map<std::string, std::string> first;
        std::map<std::string, std::string> now_there;
        for (const Message& message : messages(link.received)) {
            if (message.type != 'S') continue;
            const std::size_t end = message.body.find('\0');
            const std::string name = message.body.substr(0, end);
            const std::string value = message.body.substr(end + 1, message.body.size() - end - 2);
            first.emplace(name, value);
            now_there[name] = value;
        }
        std::string answer;
        std::string statuses;
        for (std::size_t at = 0; at < resets.size(); at = resets.find(';', at) + 1) {
            const std::string name = resets.substr(at + 6, resets.find(';', at) - at - 6);
            answer += message('C', std::string("RESET") + '\0');
            if (first[name] != now_there[name])
                statuses += message('S', name + '\0' + first[name] + '\0');
        }
        std::string size(4, '\0');
        size[3] = static_cast<char>(fingerprint.size());
        answer += message('D', std::string("\0\1", 2) + size + fingerprint);
        return answer + message('C', std::string("SELECT 1") + '\0') + statuses + message('Z', "I");
    }
    void perform(const Action& action) {
        switch (action.kind) {
            case ActionKind::WantServer:
            case ActionKind::WantPermit:
            case ActionKind::RouteCancel:
            case ActionKind::CancelFinished:
                to_others.push_back(action);
                return;
            case ActionKind::Drained:
                EXPECT_FALSE(is_drained) << "Drained twice";
                is_drained = true;
                return;
            case ActionKind::Open:
                EXPECT_FALSE(is_known(action.link)) << "Open of a link that is there";
                links.emplace_back(action.link);
                return;
            default:
                break;
        }
        PlayedLink* const link = find(action.link);
        if (link == nullptr) {
            ADD_FAILURE() << "action " << static_cast<int>(action.kind)
                          << " on a link that is gone: " << action.link.slot << "."
                          << action.link.generation << " " << action.bytes;
            return;
        }
        switch (action.kind) {
            case ActionKind::Send:
                EXPECT_FALSE(link->is_shut) << "Send behind ShutdownSend";
                link->sent += action.bytes;
                link->all_sent += action.bytes;
                ++link->sends;
                return;
            case ActionKind::Close:
            case ActionKind::Abort:
                link->is_open = false;
                return;
            case ActionKind::ShutdownSend:
                EXPECT_FALSE(link->is_shut) << "ShutdownSend twice";
                link->is_shut = true;
                return;
            case ActionKind::StartTls:
                link->has_tls = true;
                return;
            case ActionKind::DeriveKeys:
                deriving.push_back(action.link);
                return;
            case ActionKind::PauseReads:
                link->is_paused = true;
                return;
            case ActionKind::ResumeReads:
                link->is_paused = false;
                return;
            case ActionKind::MoveServer:
                link->is_open = false;
                to_others.push_back(action);
                return;
            default:
                ADD_FAILURE() << "unknown action";
        }
    }
    PlayedLink* find(LinkId id) {
        for (PlayedLink& link : links) {
            if (link.is_open && link.id == id) return &link;
        }
        return nullptr;
    }
    bool is_known(LinkId id) { return find(id) != nullptr; }
};

}  // namespace penstock::test
