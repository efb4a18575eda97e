#include "dataplane/postgres/facts.hpp"

#include "crds/api/check.hpp"

#include <algorithm>

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace penstock::postgres {
namespace {

constexpr std::chrono::seconds ask_every{1};
constexpr std::chrono::seconds longest_pause{15};

}  // namespace

Facts::Facts() : wake_fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    CHECK(wake_fd_ >= 0);
    // Signals are the control thread's.
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    thread_ = std::thread([this] { run(); });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

Facts::~Facts() {
    {
        const std::lock_guard lock(mutex_);
        is_stopping_ = true;
    }
    eventfd_write(wake_fd_, 1);
    thread_.join();
    ::close(wake_fd_);
}

void Facts::ask(std::optional<Target> target) {
    const std::lock_guard lock(mutex_);
    if (target == target_) return;
    target_ = std::move(target);
    facts_.reset();
    error_.clear();
    eventfd_write(wake_fd_, 1);
}

Facts::Latest Facts::latest() const {
    const std::lock_guard lock(mutex_);
    Latest latest{facts_, error_};
    if (latest.facts) {
        const auto age = Clock::now() - facts_at_;
        latest.facts->age_ms = std::chrono::duration_cast<std::chrono::milliseconds>(age).count();
    }
    return latest;
}

void Facts::publish(api::Result<api::DatabaseFacts> asked) {
    const std::lock_guard lock(mutex_);
    // An answer from where nobody asks any more.
    pollfd woken{wake_fd_, POLLIN, 0};
    if (::poll(&woken, 1, 0) == 1) return;
    if (asked) {
        facts_ = std::move(*asked);
        facts_at_ = Clock::now();
        error_.clear();
    } else {
        error_ = to_string(asked.error());
    }
}

bool Facts::pause(Clock::duration time) const {
    pollfd woken{wake_fd_, POLLIN, 0};
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(time).count();
    return ::poll(&woken, 1, static_cast<int>(std::max<std::int64_t>(left, 0))) == 0;
}

void Facts::ask_until_woken(const Target& target) {
    Clock::duration back_off = ask_every;
    for (;;) {
        auto connection = FactsConnection::open(target, wake_fd_);
        if (!connection) publish(tl::unexpected(connection.error()));
        while (connection) {
            const Clock::time_point next = Clock::now() + ask_every;
            auto facts = connection->ask();
            const bool ok = facts.has_value();
            publish(std::move(facts));
            if (!ok) break;
            back_off = ask_every;
            if (!pause(next - Clock::now())) return;
        }
        if (!pause(back_off)) return;
        back_off = std::min<Clock::duration>(back_off * 2, longest_pause);
    }
}

void Facts::run() {
    for (;;) {
        eventfd_t ignored = 0;
        eventfd_read(wake_fd_, &ignored);
        std::optional<Target> target;
        {
            const std::lock_guard lock(mutex_);
            if (is_stopping_) return;
            target = target_;
        }
        if (target) {
            ask_until_woken(*target);
        } else {
            pollfd woken{wake_fd_, POLLIN, 0};
            ::poll(&woken, 1, -1);
        }
    }
}

}  // namespace penstock::postgres
