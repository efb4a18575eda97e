#include "dataplane/net/poller.hpp"

#include "crds/api/check.hpp"

#include <cerrno>

namespace penstock::net {

Poller::Poller() : fd_(::epoll_create1(EPOLL_CLOEXEC)) { CHECK(fd_.is_set()); }

bool Poller::add(int fd, void* who, std::uint32_t events) {
    epoll_event event{};
    event.events = events;
    event.data.ptr = who;
    return ::epoll_ctl(fd_.get(), EPOLL_CTL_ADD, fd, &event) == 0;
}

void Poller::remove(int fd) { ::epoll_ctl(fd_.get(), EPOLL_CTL_DEL, fd, nullptr); }

int Poller::ready(std::chrono::milliseconds at_most) {
    const int count = ::epoll_wait(
        fd_.get(),
        events_.data(),
        static_cast<int>(events_.size()),
        static_cast<int>(at_most.count())
    );
    CHECK(count >= 0 || errno == EINTR);
    return count;
}

}  // namespace penstock::net
