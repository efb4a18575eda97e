// The proxies' actions, and the links between them and their peers.
#include "tests/support/sim_names.hpp"
#include "tests/support/sim_world.hpp"

#include <algorithm>
#include <cstring>

namespace penstock::test {
namespace {

using proxy::Action;
using proxy::ActionKind;
using proxy::LinkId;
using proxy::LinkKind;
using std::chrono::microseconds;

}  // namespace

void SimWorld::arrange_tick(std::uint32_t index) {
    Worker& worker = workers_[index];
    const TimePoint wanted = std::max(now_ + microseconds(1), worker.proxy->next_tick());
    if (wanted >= worker.tick_at) return;
    worker.tick_at = wanted;
    after(wanted - now_, [this, index, wanted] {
        Worker& mine = workers_[index];
        if (mine.tick_at != wanted) return;
        mine.tick_at = TimePoint::max();
        mine.proxy->tick(now_);
        perform(index, nullptr);
    });
}

void SimWorld::perform(std::uint32_t worker, const ConnPtr& source) {
    const auto& actions = workers_[worker].proxy->actions();
    for (std::size_t i = 0; i < actions.size(); ++i) act_on(worker, source, actions[i]);
    arrange_tick(worker);
}

SimWorld::ConnPtr SimWorld::find(std::uint32_t worker, LinkId link) {
    const auto found = workers_[worker].conns.find(key_of(link));
    if (found == workers_[worker].conns.end() || !(found->second->link == link)) return nullptr;
    return found->second;
}

void SimWorld::unname(Conn& conn) {
    conn.is_named = false;
    workers_[conn.worker].conns.erase(key_of(conn.link));
}

void SimWorld::act_on(std::uint32_t worker, const ConnPtr& source, const Action& action) {
    if (action.kind == ActionKind::Open) return open(worker, action.link);
    if (action.kind == ActionKind::WantServer) {
        after(
            moment(200),
            [this, to = action.worker, pool = action.pool, wanting = action.wanting_worker] {
                workers_[to].proxy->server_wanted(pool, wanting, now_);
                perform(to, nullptr);
            }
        );
        return;
    }
    if (action.kind == ActionKind::WantPermit) {
        after(moment(200), [this, to = action.worker, servers = action.servers] {
            workers_[to].proxy->permit_wanted(servers, now_);
            perform(to, nullptr);
        });
        return;
    }
    if (action.kind == ActionKind::RouteCancel) {
        after(
            moment(200),
            [this,
             origin = action.origin,
             to = action.worker,
             key = action.key,
             link = action.link] {
                workers_[to].proxy->cancel_routed(key, link, origin, now_);
                perform(to, nullptr);
            }
        );
        return;
    }
    if (action.kind == ActionKind::CancelFinished) {
        after(moment(200), [this, to = action.worker, link = action.link] {
            workers_[to].proxy->cancel_finished(link, now_);
            perform(to, nullptr);
        });
        return;
    }
    if (action.kind == ActionKind::Drained) {
        note("drained w" + std::to_string(worker));
        workers_[worker].is_drained = true;
        return;
    }
    const ConnPtr conn = find(worker, action.link);
    if (conn == nullptr) {
        if (source != nullptr && source->link == action.link) return;  // it has just closed
        return violation(
            "action " + std::to_string(static_cast<int>(action.kind)) + " for " +
            name_of(worker, action.link) + ", which is gone"
        );
    }
    switch (action.kind) {
        case ActionKind::Send: {
            note("  to " + name_of(worker, action.link) + ": " + shown(action.bytes));
            if (conn->down.has_ended)
                return violation("sends to " + name_of(worker, conn->link) + " behind its end");
            conn->down.bytes += action.bytes;
            // The socket's buffer is full: the source is not read until it is empty.
            if (source != nullptr && source != conn && source->is_named &&
                conn->down.bytes.size() > 4'000) {
                ++source->blocked_by;
                conn->blocks.push_back(source);
            }
            return pump_down(conn);
        }
        case ActionKind::Close:
        case ActionKind::Abort:
            note("  close " + name_of(worker, action.link));
            if (action.kind == ActionKind::Abort) conn->down.bytes.clear();
            conn->down.has_ended = true;
            unname(*conn);
            return pump_down(conn);
        case ActionKind::ShutdownSend:
            note("  shut down " + name_of(worker, action.link));
            conn->down.has_ended = true;
            return pump_down(conn);
        case ActionKind::PauseReads:
            conn->are_reads_paused = true;
            return;
        case ActionKind::ResumeReads:
            conn->are_reads_paused = false;
            return pump_up(conn);
        case ActionKind::MoveServer:
            return move(conn, action.worker);
        default:
            violation("action " + std::to_string(static_cast<int>(action.kind)) + " is not known");
    }
}

void SimWorld::move(const ConnPtr& conn, std::uint32_t to) {
    note("  move " + name_of(conn->worker, conn->link) + " to w" + std::to_string(to));
    auto moved =
        std::make_shared<proxy::MovedServerPtr>(workers_[conn->worker].proxy->take_moved(conn->link)
        );
    // What is still to be written goes along; what is noted of others stays behind.
    if (!conn->down.bytes.empty()) ++moves_with_bytes_pending_;
    unblock(conn);
    for (auto& [_, other] : workers_[conn->worker].conns) std::erase(other->blocks, conn);
    conn->blocked_by = 0;
    unname(*conn);
    conn->is_moving = true;
    after(moment(300), [this, conn, to, moved] {
        conn->worker = to;
        conn->link = workers_[to].proxy->adopt(std::move(*moved), now_);
        conn->is_named = true;
        conn->is_moving = false;
        workers_[to].conns[key_of(conn->link)] = conn;
        note("adopted as " + name_of(to, conn->link));
        perform(to, conn);
        pump_up(conn);
    });
}

void SimWorld::open(std::uint32_t worker, LinkId link) {
    note("  open " + name_of(worker, link));
    auto conn = std::make_shared<Conn>();
    conn->link = link;
    conn->worker = worker;
    workers_[worker].conns[key_of(link)] = conn;
    after(moment(1'000), [this, conn] {
        if (!conn->is_named) return;
        if (is_database_down_) {
            note("refused " + name_of(conn->worker, conn->link));
            unname(*conn);
            workers_[conn->worker].proxy->closed(conn->link, "connection refused", now_);
            return perform(conn->worker, conn);
        }
        auto backend = std::make_shared<Backend>(
            next_process_++, static_cast<std::uint32_t>(random_()), random_() | 1
        );
        if (next_process_ % 3 == 0) backend->session.has_other_defaults();
        backend->conn = conn.get();
        backend->held = conn;
        backend->is_counted = conn->link.kind == LinkKind::Server;
        conn->backend = backend;
        const auto alive =
            std::ranges::count_if(backends_, [](const auto& b) { return b->is_counted; });
        if (backend->is_counted && alive >= connections_max_)
            backend->session.refuse_login("53300", "sorry, too many clients already");
        backends_.push_back(backend);
        workers_[conn->worker].proxy->connected(conn->link, now_);
        perform(conn->worker, conn);
    });
}

// Links.

void SimWorld::pump_up(const ConnPtr& conn) {
    Pipe& pipe = conn->up;
    const bool is_held = conn->is_moving || conn->are_reads_paused || conn->blocked_by > 0;
    if (pipe.is_under_way || !conn->is_named || is_held) return;
    if (pipe.bytes.empty() && !pipe.has_ended) return;
    pipe.is_under_way = true;
    after(moment(chance(90) ? 100 : 3'000), [this, conn] { deliver_up(conn); });
}

void SimWorld::deliver_up(const ConnPtr& conn) {
    Pipe& pipe = conn->up;
    pipe.is_under_way = false;
    const bool is_held = conn->is_moving || conn->are_reads_paused || conn->blocked_by > 0;
    if (!conn->is_named || is_held) return;
    const std::uint32_t worker = conn->worker;
    const bool is_split = chance(static_cast<std::uint64_t>(split_percent_));
    if (!pipe.bytes.empty()) {
        std::size_t size = std::min<std::size_t>(pipe.bytes.size(), 16'384);
        if (is_split) size = 1 + random(chance(50) ? size : std::min<std::size_t>(size, 12));
        // A block of its own, so that a view that outlives the event is found out.
        std::unique_ptr<char[]> piece(new char[size]);
        std::memcpy(piece.get(), pipe.bytes.data(), size);
        pipe.bytes.erase(0, size);
        note(name_of(worker, conn->link) + " says " + shown({piece.get(), size}));
        workers_[worker].proxy->received(conn->link, {piece.get(), size}, now_);
        perform(worker, conn);
    } else if (pipe.has_ended && conn->client != nullptr && conn->client->end() == SimClient::End::Orderly) {
        note(name_of(worker, conn->link) + " sends no more");
        pipe.has_ended = false;
        workers_[worker].proxy->ended(conn->link, now_);
        perform(worker, conn);
    } else if (pipe.has_ended) {
        note(name_of(worker, conn->link) + " closed");
        unname(*conn);
        workers_[worker].proxy->closed(conn->link, "the peer closed the connection", now_);
        conn->down.bytes.clear();
        conn->down.has_ended = true;
        perform(worker, conn);
        return pump_down(conn);
    }
    pump_up(conn);
}

void SimWorld::pump_down(const ConnPtr& conn) {
    Pipe& pipe = conn->down;
    if (pipe.is_under_way) return;
    if (pipe.bytes.empty() && !pipe.has_ended) return;
    pipe.is_under_way = true;
    after(moment(chance(90) ? 100 : 3'000), [this, conn] { deliver_down(conn); });
}

void SimWorld::deliver_down(const ConnPtr& conn) {
    Pipe& pipe = conn->down;
    pipe.is_under_way = false;
    if (!pipe.bytes.empty()) {
        const bool is_split = chance(static_cast<std::uint64_t>(split_percent_));
        const std::size_t size = is_split ? 1 + random(pipe.bytes.size()) : pipe.bytes.size();
        const std::string piece = pipe.bytes.substr(0, size);
        pipe.bytes.erase(0, size);
        to_peer(conn, piece);
    } else if (pipe.has_ended) {
        unblock(conn);
        return peer_end(conn);
    }
    if (pipe.bytes.empty()) unblock(conn);
    pump_down(conn);
}

// What waited for this link's bytes to leave is read again.
void SimWorld::unblock(const ConnPtr& conn) {
    for (const ConnPtr& source : std::exchange(conn->blocks, {})) {
        --source->blocked_by;
        pump_up(source);
    }
}

void SimWorld::to_peer(const ConnPtr& conn, const std::string& bytes) {
    if (conn->backend != nullptr) {
        conn->backend->session.receive(bytes);
        return run_backend(conn->backend);
    }
    // At the end of a worker nobody knows what a peer that has not finished its packet wants.
    if (conn->is_canceller && workers_[conn->worker].is_draining) return;
    if (conn->is_canceller) return violation("a canceller was answered: " + shown(bytes));
    if (conn->client == nullptr) return;
    conn->client->receive(bytes);
    const std::string found = conn->client->take_violation();
    if (!found.empty()) return violation(found);
    run_client(conn);
}

void SimWorld::peer_end(const ConnPtr& conn) {
    if (conn->backend != nullptr) {
        conn->backend->session.peer_closed();
        return run_backend(conn->backend);
    }
    if (conn->client == nullptr || conn->is_canceller) return;
    const std::string& sent = conn->sent;
    const std::size_t arrived = sent.size() - std::min(sent.size(), conn->up.bytes.size());
    conn->client->closed(arrived >= 4 && arrived >= wire::load_u32(sent.data()));
    const std::string found = conn->client->take_violation();
    if (!found.empty()) violation(found);
}

// The link breaks: both sides learn of it, bytes under way are lost.
void SimWorld::reset(const ConnPtr& conn) {
    if (!conn->is_named) return;
    note("reset " + name_of(conn->worker, conn->link));
    unname(*conn);
    conn->up.bytes.clear();
    conn->down.bytes.clear();
    conn->down.has_ended = true;
    if (conn->backend != nullptr) conn->backend->is_counted = false;
    workers_[conn->worker].proxy->closed(conn->link, "connection reset by peer", now_);
    perform(conn->worker, conn);
    pump_down(conn);
}

}  // namespace penstock::test
