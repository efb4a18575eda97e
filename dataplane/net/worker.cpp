#include "dataplane/net/worker.hpp"

#include "crds/api/check.hpp"
#include "dataplane/pool/placement.hpp"
#include "dataplane/wire/startup.hpp"

#include <algorithm>
#include <cerrno>

#include <poll.h>
#include <sys/socket.h>

namespace penstock::net {
namespace {

using State = Link::State;

// The timer is set on multiples of this, so that deadlines that come and go with every query do not
// each cost a turn.
constexpr std::chrono::milliseconds timer_grain{2};
constexpr std::chrono::seconds tick_at_least_every{1};
constexpr std::chrono::milliseconds look_for_unread_every{500};

proxy::TimePoint clock_now() { return std::chrono::steady_clock::now(); }

proxy::TimePoint rounded_up(proxy::TimePoint time) {
    const auto grain = std::chrono::duration_cast<proxy::Duration>(timer_grain);
    const auto past = time.time_since_epoch() % grain;
    return past.count() == 0 ? time : time + (grain - past);
}

}  // namespace

Worker::Worker(
    std::uint32_t index,
    pool::Board& board,
    std::shared_ptr<const Configuration> configuration,
    std::function<void()> drained,
    boost::asio::io_context& lookups
)
    : index_(index),
      drained_(std::move(drained)),
      board_(board),
      configuration_(std::move(configuration)),
      now_(clock_now()),
      proxy_(index, random_, board, configuration_->settings, now_),
      links_(poller_),
      listener_(*this, poller_),
      resolver_(lookups, mailbox_) {
    CHECK(poller_.add(mailbox_->fd(), mailbox_.get(), Poller::input));
    proxy_.has_turns();
}

api::Result<std::uint16_t> Worker::listen(const std::string& address, std::uint16_t port) {
    return listener_.open(address, port, tcp_options());
}

TcpOptions Worker::tcp_options() const {
    const api::Timeouts& timeouts = configuration_->document.timeouts;
    return {
        std::chrono::seconds(timeouts.tcp_keepalive_idle_seconds),
        std::chrono::seconds(timeouts.tcp_keepalive_interval_seconds),
        std::chrono::seconds(timeouts.tcp_user_timeout_seconds)};
}

void Worker::run() {
    thread_ = std::this_thread::get_id();
    listener_.start();
    begin_event();
    end_event();
    while (!is_stopping_) turn();
}

void Worker::turn() {
    const TimePoint before = now_;
    poller_.wait(time_to_timer(), [this](void* who, std::uint32_t events) {
        if (who == mailbox_.get()) {
            has_letters_ = true;
        } else if (who == &listener_) {
            listener_.accept_batch();
        } else {
            Link& link = *static_cast<Link*>(who);
            link.note_ready(events);
            // Servers first: one that has died is given to nobody, one that is free to somebody.
            if (link.name().kind == proxy::LinkKind::Server) {
                serve(link);
            } else {
                served_later_.push_back(&link);
            }
        }
    });
    for (Link* link : served_later_) serve(*link);
    served_later_.clear();
    if (!again_.empty()) serve_all_again();
    // Now it is known which servers this worker's own clients need.
    if (std::exchange(has_letters_, false)) mailbox_->run();
    // What ran has read the clock: its time is near enough for timers.
    if (now_ == before) now_ = clock_now();
    const TimePoint now = now_;
    if (timer_at_ <= now) tick();
    if (proxy_.has_freed()) {
        begin_event();
        proxy_.turn_ended(now_);
        perform(nullptr);
        end_event();
    }
    if (listener_.resume_at() <= now) listener_.start();
    links_.recycle();
}

// Rounded up: a turn too early would find nothing to do.
std::chrono::milliseconds Worker::time_to_timer() const {
    if (!again_.empty()) return std::chrono::milliseconds(0);
    const auto left = std::min(timer_at_, listener_.resume_at()) - now_;
    return std::max(
        std::chrono::milliseconds(0), std::chrono::ceil<std::chrono::milliseconds>(left)
    );
}

void Worker::configure(std::shared_ptr<const Configuration> configuration) {
    post([this, configuration = std::move(configuration)] {
        configuration_ = configuration;
        listener_.set_options(tcp_options());
        proxy_.configure(configuration_->settings, now_);
    });
}

void Worker::limits_changed() {
    post([this] { proxy_.limits_changed(now_); });
}

void Worker::drain() {
    post([this] {
        listener_.stop();
        proxy_.drain(now_);
    });
}

void Worker::stop() {
    mailbox_->post([this] {
        is_stopping_ = true;
        listener_.stop();
        resolver_.cancel();
        begin_event();
        proxy_.cut_off(now_);
        perform(nullptr);
        links_.for_each_open([this](Link& link) { close(link, Ending::Close); });
    });
}

std::string Worker::server_error() const {
    const std::lock_guard lock(status_mutex_);
    return server_error_;
}

void Worker::publish_server_error() {
    if (server_error_ == proxy_.server_error()) return;
    const std::lock_guard lock(status_mutex_);
    server_error_ = proxy_.server_error();
}

void Worker::begin_event() {
    CHECK(std::this_thread::get_id() == thread_);
    now_ = clock_now();
}

void Worker::end_event() {
    while (!failed_.empty()) {
        const auto [name, reason] = std::move(failed_.back());
        failed_.pop_back();
        if (Link* link = links_.find(name)) lose(*link, reason);
    }
    arm_timer();
}

void Worker::accepted(UniqueFd client) {
    if (is_stopping_) return;
    const auto clients_of = [](const Worker* peer) {
        return peer->clients_.load(std::memory_order_relaxed);
    };
    std::int32_t all = 0;
    for (const Worker* peer : peers_) all += clients_of(peer);
    const auto count = static_cast<std::int32_t>(peers_.size());
    const auto in_use = peers_.begin() + pool::workers_for({count, cpus_, board_.limit(), all});
    Worker* const fewest = *std::ranges::min_element(peers_.begin(), in_use, {}, clients_of);
    fewest->clients_.fetch_add(1, std::memory_order_relaxed);
    if (fewest == this) return take(std::move(client));
    fewest->mailbox_->post([fewest, client = std::move(client)]() mutable {
        if (!fewest->is_stopping_) fewest->take(std::move(client));
    });
}

void Worker::take(UniqueFd client) {
    begin_event();
    const proxy::LinkId name = proxy_.accepted(now_);
    Link& link = links_.take();
    link.open(name, State::Open, client.release());
    link.may_begin_tls = configuration_->client_tls != nullptr;
    links_.enter(link);
    resume(link);
    perform(nullptr);
    end_event();
}

void Worker::serve(Link& link) {
    begin_event();
    switch (link.state()) {
        case State::Connecting:
            if (link.is_writable()) connect_finished(link);
            break;
        case State::Handshaking:
            handshake(link);
            break;
        case State::Open:
            if (link.has_pending() && link.is_writable()) write(link);
            if (link.is_readable() && link.may_read()) read(link);
            if (link.has_broken() && !link.may_read()) lose_broken(link);
            break;
        case State::Lingering:
            if (link.is_writable()) write(link);
            break;
        case State::Resolving:
        case State::Free:
            break;
    }
    end_event();
}

void Worker::serve_again(Link& link) {
    if (link.is_served_again) return;
    link.is_served_again = true;
    again_.push_back(&link);
}

void Worker::serve_all_again() {
    served_again_.swap(again_);
    for (Link* link : served_again_) {
        link->is_served_again = false;
        serve(*link);
    }
    served_again_.clear();
}

void Worker::resume(Link& link) {
    if (link.is_readable() && link.may_read()) serve_again(link);
}

void Worker::read(Link& link) {
    if (link.may_begin_tls && begins_tls(link)) return;
    for (int reads = 0; reads < reads_max; ++reads) {
        const Transfer got = link.read(buffer_.data(), buffer_.size());
        if (got.kind == Transfer::Kind::Closed) {
            if (got.is_end && link.name().kind == proxy::LinkKind::Client) {
                link.has_ended = true;
                proxy_.ended(link.name(), now_);
                perform(nullptr);
            } else {
                lose(link, got.reason);
            }
            return;
        }
        if (got.kind == Transfer::Kind::WouldBlock) return;
        proxy_.received(link.name(), {buffer_.data(), got.bytes}, now_);
        perform(&link);
        if (!link.is_readable() || !link.may_read()) return;
    }
    serve_again(link);
}

// Direct TLS: the Proxy sees the first byte, and the handshake finds the record whole.
bool Worker::begins_tls(Link& link) {
    const std::optional<char> first = link.peek();
    if (!first) return false;
    link.may_begin_tls = false;
    if (*first != wire::tls_handshake_byte) return false;
    proxy_.received(link.name(), {&*first, 1}, now_);
    perform(&link);
    return true;
}

// A client that is not read, because it waits or has said all, is still noticed when it breaks
// away. One that only sends no more is not: it waits for its replies.
void Worker::lose_broken(Link& link) {
    if (link.state() == State::Open && link.name().kind == proxy::LinkKind::Client)
        lose(link, "connection reset by the peer");
}

// Writes on, and does what waited for the last pending byte.
void Worker::write(Link& link) {
    const std::size_t left = link.pending_bytes();
    const Transfer sent = link.write_pending();
    if (link.pending_bytes() < left) link.stuck_since = now_;
    if (sent.kind == Transfer::Kind::WouldBlock) return;
    if (sent.kind == Transfer::Kind::Closed) {
        link.drop_pending();
        link.send_failed = true;
    }
    unblock_others(link);
    if (link.state() == State::Lingering) {
        close(link, Ending::Close);
    } else if (link.shutdown_when_sent) {
        link.shutdown_when_sent = false;
        link.shutdown_send();
    } else if (link.tls_when_sent) {
        link.tls_when_sent = false;
        start_tls(link);
    } else if (link.send_failed && !link.may_read()) {
        fail(link.name(), sent.reason);
    }
}

void Worker::set_paused(Link& link, bool paused) {
    if (link.paused == paused) return;
    link.paused = paused;
    if (paused && link.has_broken()) serve_again(link);
    resume(link);
}

void Worker::block(Link& blocked, Link& blocker) {
    ++blocked.blocked_by;
    blocker.blocks_others = true;
    blocks_.emplace(&blocker, &blocked);
}

void Worker::unblock_others(Link& blocker) {
    if (!blocker.blocks_others) return;
    blocker.blocks_others = false;
    const auto [first, last] = blocks_.equal_range(&blocker);
    std::vector<Link*> blocked;
    for (auto each = first; each != last; ++each) blocked.push_back(each->second);
    blocks_.erase(first, last);
    for (Link* each : blocked) {
        if (--each->blocked_by == 0) resume(*each);
    }
}

void Worker::close_when_sent(Link& link) {
    flush(link);
    if (!link.has_pending() || link.state() != State::Open) {
        close(link, Ending::Close);
        return;
    }
    links_.leave(link);
    unblock_others(link);
    link.set_state(State::Lingering);
    link.linger_until = now_ + std::chrono::seconds(10);
    lingering_.push_back(&link);
    serve_again(link);
}

// What this worker notes of the link besides the link itself is gone.
void Worker::forget(Link& link) {
    if (link.state() == State::Lingering) {
        std::erase(lingering_, &link);
    } else {
        links_.leave(link);
    }
    unblock_others(link);
    if (link.blocked_by == 0) return;
    std::erase_if(blocks_, [&link](const auto& each) { return each.second == &link; });
    link.blocked_by = 0;
}

void Worker::close(Link& link, Ending ending) {
    if (link.name().kind == proxy::LinkKind::Client)
        clients_.fetch_sub(1, std::memory_order_relaxed);
    forget(link);
    if (ending == Ending::Close) {
        link.close();
    } else {
        link.abort();
    }
    links_.give_back(link);
}

void Worker::fail(proxy::LinkId name, std::string reason) {
    failed_.emplace_back(name, std::move(reason));
}

void Worker::lose(Link& link, std::string_view reason) {
    const proxy::LinkId name = link.name();
    close(link, Ending::Close);
    proxy_.closed(name, reason, now_);
    perform(nullptr);
    if (name.kind != proxy::LinkKind::Client) publish_server_error();
}

void Worker::arm_timer() {
    const TimePoint wanted = std::min(proxy_.next_tick(), now_ + tick_at_least_every);
    // timer_at_ is rounded too.
    if (wanted <= timer_at_ - timer_grain) timer_at_ = rounded_up(wanted);
}

void Worker::tick() {
    begin_event();
    timer_at_ = TimePoint::max();
    proxy_.tick(now_);
    perform(nullptr);
    cut_lingering();
    cut_unread();
    tell_drained();
    publish_server_error();
    end_event();
}

// The end of the drain, once the last words to everybody are on their way.
void Worker::tell_drained() {
    if (!is_drained_ || is_told_drained_ || !lingering_.empty()) return;
    is_told_drained_ = true;
    if (drained_) drained_();
}

// A client that takes nothing of what was sent to it does not hold a server for ever; what waits
// for it counts as what the Proxy keeps for clients.
void Worker::cut_unread() {
    const std::chrono::seconds limit(configuration_->document.timeouts.client_write_seconds);
    if (now_ < next_look_for_unread_) return;
    next_look_for_unread_ = now_ + look_for_unread_every;
    std::vector<proxy::LinkId> unread;
    std::size_t pending = 0;
    links_.for_each_open([&](const Link& link) {
        if (link.name().kind != proxy::LinkKind::Client || !link.has_pending()) return;
        pending += link.pending_bytes();
        const bool has_limit = limit.count() > 0 && link.state() == State::Open;
        if (has_limit && now_ - link.stuck_since >= limit) unread.push_back(link.name());
    });
    proxy_.pending(pending);
    for (const proxy::LinkId name : unread) {
        proxy_.unread(name, now_);
        perform(nullptr);
    }
}

// A peer that does not read does not hold a socket for ever.
void Worker::cut_lingering() {
    for (std::size_t i = 0; i < lingering_.size();) {
        if (lingering_[i]->linger_until <= now_) {
            close(*lingering_[i], Ending::Abort);
        } else {
            ++i;
        }
    }
}

}  // namespace penstock::net
