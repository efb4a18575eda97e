// What the database kept of each client's work: no more than it asked for, and no less.
#include "tests/support/fake_sql.hpp"
#include "tests/support/sim_world.hpp"

#include <algorithm>
#include <set>

namespace penstock::test {
namespace {

// What PostgreSQL alone commits of a session that says this and then ends.
std::vector<std::string> committed_of(const std::string& sent) {
    FakeBackend alone(1, 1, 0);
    alone.receive(sent);
    alone.peer_closed();
    while (alone.has_work()) alone.step();
    return alone.take_committed();
}

// The texts of INSERTs behind the last message that ends a transaction. Empty if one of those
// statements is a COMMIT.
std::set<std::string> unsynced_of(std::string_view sent) {
    std::set<std::string> texts;
    if (sent.size() < 4) return texts;
    sent.remove_prefix(std::min<std::size_t>(sent.size(), wire::load_u32(sent.data())));
    wire::FrameCursor cursor(sent, 0x7fffffff);
    wire::Frame frame;
    bool has_commit = false;
    std::set<std::string, std::less<>> commits;  // names of statements that may be one
    while (!cursor.is_empty() && cursor.next(frame) == wire::FrameResult::Whole) {
        if (frame.type == 'S' || frame.type == 'Q' || frame.type == 'F') {
            texts.clear();
            has_commit = false;
        } else if (frame.type == 'P') {
            if (frame.body.find("INSERT '") != std::string_view::npos)
                texts.insert(quoted_in(frame.body));
            if (frame.body.find("COMMIT") != std::string_view::npos)
                commits.emplace(wire::ByteReader(frame.body).c_string());
        } else if (frame.type == 'B') {
            wire::ByteReader reader(frame.body);
            reader.c_string();
            has_commit = has_commit || commits.contains(reader.c_string());
        }
        cursor.take(frame);
    }
    return has_commit ? std::set<std::string>{} : texts;
}

}  // namespace

void SimWorld::check_effects() {
    const bool is_calm =
        !has_kills_ && !has_resets_ && !has_early_drain_ && weather_.fatal_states.size() == 1;
    for (const ConnPtr& conn : clients_) {
        std::vector<std::string> kept = committed_[conn->client->tag()];
        std::ranges::sort(kept);
        if (conn->client->is_disturbed()) {
            for (const std::string& text : unsynced_of(conn->sent)) {
                if (std::ranges::binary_search(kept, text))
                    violation("committed without a Sync: " + text);
            }
            continue;
        }
        std::vector<std::string> asked = committed_of(conn->sent);
        std::ranges::sort(asked);
        std::vector<std::string> different;
        std::ranges::set_difference(kept, asked, std::back_inserter(different));
        if (!different.empty()) violation("committed and not asked for: " + different.front());
        if (!is_calm || conn->client->has_fatal() || conn->client->end() != SimClient::End::Orderly)
            continue;
        std::ranges::set_difference(asked, kept, std::back_inserter(different));
        if (!different.empty()) violation("asked for and not committed: " + different.front());
    }
}

}  // namespace penstock::test
