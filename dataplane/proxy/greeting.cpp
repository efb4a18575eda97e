// What a new session would be told now. A client that logs in must see what PostgreSQL would show
// it: so an idle server looks, before the client is welcomed. It resets what was set in its
// session, which makes its values those of a new session, but for what ALTER ROLE and ALTER
// DATABASE have changed since its login: of that it has a fingerprint. One look serves all who came
// before it.
#include "dataplane/proxy/core.hpp"

#include <utility>

namespace penstock::proxy {
namespace {

// So long a client that logs in waits for a look while there are values of an earlier one, and no
// server can be opened.
constexpr Duration late = std::chrono::milliseconds(100);
// ... and while one can be, or those that are there are known to be old.
constexpr Duration late_for_new = std::chrono::seconds(2);

}  // namespace

// Requires: in no list, no client has it, nothing is owed.
void Core::look(Server& server) {
    Pool& pool = pool_of(server);
    enter(server, ServerState::Cleaning);
    // It comes free soon: no other is opened in its place. An answer shows that it lives, too.
    server.is_checking = true;
    ++pool.checking;
    std::string sql = session::resetting_sql(server.parameters.set);
    server.parameters.set.clear();
    inject_query(server, sql.append(session::fingerprint_sql), Injected::Look);
    server.look = ++pool.looks;
}

// A look takes no longer than an empty query: where no server stays idle, one that comes free looks
// for those who have waited longer than the first transaction.
bool Core::is_greeting_due(const Pool& pool) {
    if (pool.welcoming.is_empty() || pool.waiting.is_empty()) return false;
    return clients_.at(pool.welcoming.front()).active_at <=
           clients_.at(pool.waiting.front()).active_at;
}

void Core::greet(Pool& pool) {
    if (pool.welcoming.is_empty() || pool.welcome.empty() || pool.is_outdated) return;
    if (pool.is_welcome_stale) return;
    // A walsender answers no questions, and serves one client only.
    if (pool.is_replication) return;
    if (pool.is_blind) return welcome_all(pool);
    if (pool.looking != LinkId{} || pool.idle.empty()) return;
    Server& server = servers_.at(pool.idle.back());
    pool.idle.pop_back();
    pool.looking = server.link;
    look(server);
}

// No server came free in time and none is being opened: what the last look showed must do.
void Core::greet_late(Pool& pool) {
    if (pool.welcoming.is_empty() || pool.welcome.empty() || pool.opening > 0) return;
    if (pool.is_replication || pool.looking != LinkId{}) return;
    const bool may_open = !pool.is_full && pool.failure.sql_state.empty();
    const Client& first = clients_.at(pool.welcoming.front());
    const Duration limit = pool.is_outdated || may_open ? late_for_new : late;
    if (now_ - first.active_at >= limit) welcome_all(pool);
}

// Its answer is complete, or it failed.
void Core::looked(Server& server) {
    Pool& pool = pool_of(server);
    if (pool.looking == server.link) pool.looking = {};
    std::string seen = std::exchange(server.seen_fingerprint, {});
    if (seen.empty()) {
        // No PostgreSQL, or one that hides its catalog. The RESETs failed with it.
        pool.is_blind = true;
        server.traces.add(session::Trace::Settings);
        return;
    }
    const bool is_news = seen != pool.fingerprint;
    // Whether a server whose first look brings news logged in before the change is not known: then
    // it goes, and the next one's look brings none.
    const bool is_first = server.fingerprint.empty();
    if (is_first && (pool.fingerprint.empty() || !is_news)) server.fingerprint = seen;
    pool.fingerprint = std::move(seen);
    if (is_news) outdate(pool);
    if (server.fingerprint != pool.fingerprint) {
        server.closes_when_free = true;
        pool.is_outdated = true;
        return want(server.pool);
    }
    for (auto& [name, value] : pool.welcome) {
        const auto index = session::tracked_index(name);
        if (!index || server.parameters.values.get(*index) == session::no_value) continue;
        const std::string_view now = values_.text(server.parameters.values.get(*index));
        if (value == now) continue;
        value = now;
        pool.known.clear();
    }
}

// Those who came before this look had begun.
void Core::welcome_looked(Pool& pool, std::uint32_t look) {
    if (pool.is_blind) return welcome_all(pool);
    if (pool.is_outdated) return;
    while (!pool.welcoming.is_empty()) {
        Client& client = clients_.at(pool.welcoming.front());
        if (client.look >= look) return;
        pool.welcoming.remove(client.link.slot, links());
        client.is_queued = false;
        --welcoming_;
        welcome(client);
    }
}

// New sessions differ from those that have another fingerprint: they serve no new client.
void Core::outdate(Pool& pool) {
    for (std::uint32_t slot = 0; slot < servers_.slots(); ++slot) {
        Server* const server = servers_.at_if_used(slot);
        if (server == nullptr || &pool_of(*server) != &pool) continue;
        if (server->fingerprint == pool.fingerprint) continue;
        if (server->state == ServerState::Idle) {
            close_server(*server);
        } else {
            server->closes_when_free = true;
        }
    }
}

}  // namespace penstock::proxy
