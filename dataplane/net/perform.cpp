// Worker's second half: performing what the Proxy asks for.
#include "crds/api/check.hpp"
#include "dataplane/net/worker.hpp"

#include <algorithm>

#include <limits.h>
#include <sys/socket.h>

namespace penstock::net {

using State = Link::State;
using proxy::ActionKind;

void Worker::perform(Link* origin) {
    const std::vector<proxy::Action>& actions = proxy_.actions();
    if (actions.empty()) return;
    // What most events cause are sends to one link.
    const proxy::LinkId first = actions.front().link;
    const bool is_for_one = std::ranges::all_of(actions, [first](const proxy::Action& action) {
        return action.kind == ActionKind::Send && action.link == first;
    });
    if (is_for_one) {
        Link* const link = links_.find(first);
        if (link == nullptr) return;
        iovecs_.clear();
        for (const proxy::Action& action : actions) add_part(action.bytes);
        flush_parts(*link);
        block_if_behind(origin, *link);
        return;
    }
    for (const proxy::Action& action : actions) perform_one(action);
    flush_all(origin);
    if (!moves_.empty()) move_servers();
}

void Worker::perform_one(const proxy::Action& action) {
    switch (action.kind) {
        case ActionKind::Open:
            if (action.link.kind == proxy::LinkKind::Cancel) {
                open_cancel(action.link, action.peer);
            } else {
                open_server(action.link);
            }
            return;
        case ActionKind::MoveServer:
            // take_moved() is an entry of the Proxy: it comes after the last use of these actions.
            moves_.emplace_back(action.link, action.worker);
            return;
        case ActionKind::RouteCancel:
            post_to(
                action.worker,
                [key = action.key, link = action.link, from = action.origin](Worker& peer) {
                    peer.proxy_.cancel_routed(key, link, from, peer.now_);
                }
            );
            return;
        case ActionKind::CancelFinished:
            post_to(action.worker, [link = action.link](Worker& peer) {
                peer.proxy_.cancel_finished(link, peer.now_);
            });
            return;
        case ActionKind::WantServer:
            post_to(
                action.worker,
                [pool = action.pool, wanting = action.wanting_worker](Worker& peer) {
                    peer.proxy_.server_wanted(pool, wanting, peer.now_);
                }
            );
            return;
        case ActionKind::WantPermit:
            post_to(action.worker, [servers = action.servers](Worker& peer) {
                peer.proxy_.permit_wanted(servers, peer.now_);
            });
            return;
        case ActionKind::Drained:
            is_drained_ = true;
            tell_drained();
            return;
        default:
            break;
    }
    Link* const link = links_.find(action.link);
    if (link == nullptr) return;
    switch (action.kind) {
        case ActionKind::Send:
            enqueue(*link, action.bytes);
            break;
        case ActionKind::Close:
            close_when_sent(*link);
            break;
        case ActionKind::Abort:
            close(*link, Ending::Abort);
            break;
        case ActionKind::ShutdownSend:
            flush(*link);
            link->shutdown_when_sent = link->has_pending();
            if (!link->has_pending()) link->shutdown_send();
            break;
        case ActionKind::StartTls:
            flush(*link);
            link->tls_when_sent = link->has_pending();
            if (!link->has_pending()) start_tls(*link);
            break;
        case ActionKind::DeriveKeys:
            derive_keys(action.link);
            break;
        case ActionKind::PauseReads:
            set_paused(*link, true);
            break;
        case ActionKind::ResumeReads:
            set_paused(*link, false);
            break;
        default:
            break;
    }
}

void Worker::derive_keys(proxy::LinkId name) {
    const auto wanted = proxy_.keys_wanted(name);
    if (wanted == nullptr) return;
    deriver_->derive(wanted, [this, name] {
        post([this, name] { proxy_.keys_derived(name, now_); });
    });
}

void Worker::enqueue(Link& link, std::string_view bytes) {
    if (bytes.empty()) return;
    const auto part = static_cast<std::uint32_t>(outbox_.size());
    outbox_.push_back({bytes, 0});
    if (link.outbox_first == 0) {
        link.outbox_first = part;
        if (!link.is_in_outbox) {
            link.is_in_outbox = true;
            outbox_links_.push_back(&link);
        }
    } else {
        outbox_[link.outbox_last].next = part;
    }
    link.outbox_last = part;
}

void Worker::flush(Link& link) {
    iovecs_.clear();
    for (std::uint32_t at = link.outbox_first; at != 0; at = outbox_[at].next)
        add_part(outbox_[at].bytes);
    link.outbox_first = 0;
    flush_parts(link);
}

void Worker::add_part(std::string_view bytes) {
    if (!bytes.empty()) iovecs_.push_back({const_cast<char*>(bytes.data()), bytes.size()});
}

void Worker::flush_parts(Link& link) {
    std::size_t next = 0;
    const bool may_write = link.state() == State::Open && !link.has_pending();
    while (may_write && next < iovecs_.size()) {
        const std::size_t count = std::min<std::size_t>(iovecs_.size() - next, IOV_MAX);
        if (link.send_failed) break;
        Transfer sent = link.write(&iovecs_[next], count);
        if (sent.kind == Transfer::Kind::WouldBlock) break;
        if (sent.kind == Transfer::Kind::Closed) {
            // What the peer said before it closed is still to be read, and reading finds the end.
            // Only a link that is not read has to be told about here.
            link.send_failed = true;
            if (!link.may_read()) fail(link.name(), std::move(sent.reason));
            break;
        }
        while (sent.bytes > 0) {
            iovec& part = iovecs_[next];
            const std::size_t taken = std::min(part.iov_len, sent.bytes);
            sent.bytes -= taken;
            part.iov_base = static_cast<char*>(part.iov_base) + taken;
            part.iov_len -= taken;
            if (part.iov_len == 0) ++next;
        }
    }
    if (link.send_failed) return;
    if (next < iovecs_.size() && !link.has_pending()) link.stuck_since = now_;
    for (; next < iovecs_.size(); ++next) {
        link.add_pending({static_cast<const char*>(iovecs_[next].iov_base), iovecs_[next].iov_len});
    }
}

void Worker::flush_all(Link* origin) {
    for (Link* link : outbox_links_) {
        if (link->outbox_first != 0 && link->state() != State::Free) flush(*link);
        block_if_behind(origin, *link);
        link->outbox_first = 0;
        link->is_in_outbox = false;
    }
    outbox_links_.clear();
    outbox_.resize(1);
}

// Who causes more than can be sent is not read meanwhile.
void Worker::block_if_behind(Link* origin, Link& link) {
    const bool is_behind = link.has_pending() && link.state() != State::Free;
    if (is_behind && origin != nullptr && origin->state() == State::Open) block(*origin, link);
}

void Worker::move_servers() {
    const auto moves = std::exchange(moves_, {});
    for (const auto& [name, worker] : moves) {
        Link* const link = links_.find(name);
        if (link == nullptr) continue;
        proxy::MovedServerPtr moved = proxy_.take_moved(name);
        forget(*link);
        Link::Released socket = link->release();
        links_.give_back(*link);
        post_to(
            worker,
            [moved = std::move(moved), socket = std::move(socket)](Worker& peer) mutable {
                const proxy::LinkId adopted = peer.proxy_.adopt(std::move(moved), peer.now_);
                Link& mine = peer.links_.take();
                mine.open(adopted, State::Open, socket.socket.release(), std::move(socket.tls));
                mine.add_pending(socket.pending);
                mine.server_tls = std::move(socket.server_tls);
                peer.links_.enter(mine);
                peer.resume(mine);
            }
        );
    }
}

void Worker::open_server(proxy::LinkId name) {
    Link& link = links_.take();
    link.open(name, State::Resolving, -1);
    links_.enter(link);
    link.attempt = std::make_unique<ConnectAttempt>();
    link.server_tls = configuration_->server_tls;
    const api::ProxyDatabase& database = configuration_->document.database;
    const auto port = static_cast<std::uint16_t>(database.port);
    link.attempt->addresses = resolver_.known(database.host, port, now_);
    if (link.attempt->addresses) {
        connect_next(link);
        return;
    }
    const auto resolved =
        [this, name](std::shared_ptr<const Addresses> addresses, const std::string& fault) {
            begin_event();
            Link* const waiting = links_.find(name);
            if (waiting != nullptr && addresses) {
                waiting->attempt->addresses = std::move(addresses);
                connect_next(*waiting);
            } else if (waiting != nullptr) {
                fail(name, fault);
            }
            end_event();
        };
    resolver_.resolve(database.host, port, resolved);
}

// To the very address of the server that it concerns, which is not always the configuration's.
void Worker::open_cancel(proxy::LinkId name, proxy::LinkId server) {
    Link& link = links_.take();
    link.open(name, State::Resolving, -1);
    links_.enter(link);
    link.attempt = std::make_unique<ConnectAttempt>();
    const Link* const concerned = links_.find(server);
    boost::asio::ip::tcp::endpoint address;
    auto size = static_cast<socklen_t>(address.capacity());
    if (concerned == nullptr || ::getpeername(concerned->fd(), address.data(), &size) != 0) {
        fail(name, "the server connection is gone");
        return;
    }
    address.resize(size);
    link.server_tls = concerned->server_tls;
    link.attempt->addresses = std::make_shared<const Addresses>(Addresses{address});
    connect_next(link);
}

void Worker::connect_next(Link& link) {
    ConnectAttempt& attempt = *link.attempt;
    while (attempt.next < attempt.addresses->size()) {
        const auto& address = (*attempt.addresses)[attempt.next++];
        Connecting connecting = begin_connect(address, tcp_options());
        if (connecting.fd >= 0) {
            link.assign(connecting.fd);
            link.set_state(State::Connecting);
            if (link.is_writable()) serve_again(link);  // it cannot be watched: see assign()
            return;
        }
        attempt.note(connecting.fault);
    }
    fail(link.name(), attempt.faults);
}

void Worker::connect_finished(Link& link) {
    const std::string fault = connect_fault(link.fd());
    if (!fault.empty()) {
        link.attempt->note(fault);
        link.drop_socket();
        connect_next(link);
        return;
    }
    resolver_.prefer((*link.attempt->addresses)[link.attempt->next - 1]);
    link.attempt.reset();
    link.set_state(State::Open);
    proxy_.connected(link.name(), now_);
    perform(&link);
    resume(link);
}

void Worker::start_tls(Link& link) {
    const bool is_client = link.name().kind == proxy::LinkKind::Client;
    std::unique_ptr<TlsStream> tls;
    if (is_client && configuration_->client_tls) tls = configuration_->client_tls->start(link.fd());
    if (!is_client && link.server_tls) tls = link.server_tls->start(link.fd());
    if (!tls) {
        fail(link.name(), "TLS is not configured");
        return;
    }
    link.set_tls(std::move(tls));
    link.set_state(State::Handshaking);
    handshake(link);
}

void Worker::handshake(Link& link) {
    switch (link.tls()->handshake()) {
        case TlsStream::Step::WantsRead:
        case TlsStream::Step::WantsWrite:
            break;
        case TlsStream::Step::Failed:
            fail(link.name(), link.tls()->error());
            break;
        case TlsStream::Step::Established:
            link.set_state(State::Open);
            proxy_.tls_established(link.name(), link.tls()->has_protocol(), now_);
            perform(&link);
            // Bytes may wait in TLS, and others to be sent: neither makes an event.
            serve_again(link);
            break;
    }
}

}  // namespace penstock::net
