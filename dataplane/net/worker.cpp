#include "dataplane/net/worker.hpp"

#include "crds/api/check.hpp"

#include <algorithm>
#include <cerrno>

#include <poll.h>
#include <sys/random.h>
#include <sys/socket.h>

namespace penstock::net {
namespace {

using State = Link::State;

// The timer is set on multiples of this, so that deadlines that come and go with every query do not
// each cost a system call.
constexpr std::chrono::milliseconds timer_grain{2};
constexpr std::chrono::seconds tick_at_least_every{1};

proxy::TimePoint clock_now() { return std::chrono::steady_clock::now(); }

std::uint64_t random_seed() {
    std::uint64_t seed = 0;
    CHECK(::getrandom(&seed, sizeof seed, 0) == sizeof seed);
    return seed;
}

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
    std::function<void()> drained
)
    : index_(index),
      drained_(std::move(drained)),
      // Other threads post here, nothing else: only the queue of handlers is locked.
      context_(BOOST_ASIO_CONCURRENCY_HINT_UNSAFE_IO),
      work_(context_.get_executor()),
      configuration_(std::move(configuration)),
      now_(clock_now()),
      proxy_(index, random_seed(), board, configuration_->settings, now_),
      links_(*this, context_),
      listener_(*this, context_),
      resolver_(context_),
      timer_(context_) {}

api::Result<std::uint16_t> Worker::listen(const std::string& address, std::uint16_t port) {
    return listener_.open(address, port);
}

void Worker::run() {
    thread_ = std::this_thread::get_id();
    listener_.start();
    begin_event();
    end_event();
    context_.run();
}

void Worker::configure(std::shared_ptr<const Configuration> configuration) {
    post([this, configuration = std::move(configuration)] {
        configuration_ = configuration;
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
    boost::asio::post(context_, [this] {
        is_stopping_ = true;
        listener_.stop();
        timer_.cancel();
        resolver_.cancel();
        links_.for_each_open([this](Link& link) { close(link, Ending::Close); });
        work_.reset();
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
    begin_event();
    const proxy::LinkId name = proxy_.accepted(now_);
    Link& link = links_.take();
    link.open(name, State::Open, client.release());
    links_.enter(link);
    link.wait_readable();
    perform(nullptr);
    end_event();
}

void Worker::readable(Link& link) {
    begin_event();
    if (link.state() == State::Handshaking) {
        handshake(link);
    } else if (link.may_read()) {
        read(link);
    } else if (link.state() == State::Open && link.paused) {
        look_for_hang_up(link);
    }
    end_event();
}

void Worker::read(Link& link) {
    for (int reads = 0; reads < reads_max; ++reads) {
        const Transfer got = link.read(buffer_.data(), buffer_.size());
        if (got.kind == Transfer::Kind::Closed) {
            lose(link, got.reason);
            return;
        }
        if (got.kind == Transfer::Kind::WouldBlock) {
            link.wait_readable();
            return;
        }
        proxy_.received(link.name(), {buffer_.data(), got.bytes}, now_);
        perform(&link);
        if (!link.may_read()) break;
        if (link.tls() != nullptr && link.tls()->has_ended()) continue;
        if (got.bytes < buffer_.size()) {
            // Whatever came meanwhile makes the socket readable again.
            link.wait_readable();
            return;
        }
    }
    if (link.may_read()) {
        link.resume_reading();
    } else if (link.state() == State::Open && link.paused) {
        link.wait_readable();
    }
}

// A client that is not read, because it waits for a server, still leaves the queue when it goes.
// Bytes it has sent stay where they are.
void Worker::look_for_hang_up(Link& link) {
    if (link.name().kind != proxy::LinkKind::Client) return;
    pollfd state{link.fd(), POLLRDHUP, 0};
    if (::poll(&state, 1, 0) == 1 && (state.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0) {
        lose(link, "connection closed by the peer");
    }
}

void Worker::writable(Link& link) {
    begin_event();
    switch (link.state()) {
        case State::Connecting:
            connect_finished(link);
            break;
        case State::Handshaking:
            handshake(link);
            break;
        case State::Open:
        case State::Lingering:
            drained_of_pending(link);
            break;
        case State::Resolving:
        case State::Free:
            break;
    }
    end_event();
}

// Writes on, and does what waited for the last pending byte.
void Worker::drained_of_pending(Link& link) {
    const Transfer sent = link.write_pending();
    if (sent.kind == Transfer::Kind::WouldBlock) {
        link.wait_writable();
        return;
    }
    if (sent.kind == Transfer::Kind::Closed) {
        link.drop_pending();
        link.send_failed = true;
    }
    if (link.state() == State::Open) link.end_of_writable_waits();
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
    if (link.may_read()) link.resume_reading();
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
        if (--each->blocked_by == 0 && each->may_read()) each->resume_reading();
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
    link.wait_writable();
}

void Worker::close(Link& link, Ending ending) {
    link.pin();
    if (link.state() == State::Lingering) {
        std::erase(lingering_, &link);
    } else {
        links_.leave(link);
    }
    unblock_others(link);
    if (link.blocked_by > 0) {
        std::erase_if(blocks_, [&link](const auto& each) { return each.second == &link; });
    }
    if (ending == Ending::Close) {
        link.close();
    } else {
        link.abort();
    }
    link.unpin();
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
    const TimePoint wanted = rounded_up(std::min(proxy_.next_tick(), now_ + tick_at_least_every));
    if (wanted >= timer_at_ || is_stopping_) return;
    timer_at_ = wanted;
    timer_.expires_at(wanted);
    timer_.async_wait([this](const boost::system::error_code& error) {
        if (!error) tick();
    });
}

void Worker::tick() {
    begin_event();
    timer_at_ = TimePoint::max();
    proxy_.tick(now_);
    perform(nullptr);
    cut_lingering();
    publish_server_error();
    end_event();
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
