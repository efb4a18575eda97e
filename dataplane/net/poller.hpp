// Which of one thread's file descriptors are ready, over epoll(7). One thread.
//
// A socket is entered once and tells each change of its readiness once (edge-triggered), so that
// serving a message costs no system call here but its share of wait().
#pragma once

#include "dataplane/net/unique_fd.hpp"

#include <array>
#include <chrono>
#include <cstdint>

#include <sys/epoll.h>

namespace penstock::net {

class Poller {
 public:
    // Both directions, a peer that went, errors; told once for each change, and at first.
    static constexpr std::uint32_t changes = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
    // Told by every wait() as long as there is something to read.
    static constexpr std::uint32_t input = EPOLLIN;

    Poller();

    // who: comes back from wait(). Ends with remove(), or when the last descriptor of that file is
    // closed. False if the system has no room for it.
    bool add(int fd, void* who, std::uint32_t events);
    void remove(int fd);

    // Waits for so long, or until something is ready, and calls each(who, events) for what is. One
    // that was removed meanwhile may still come: whoever `who` points to must live until wait()
    // returns.
    template <class Each>
    void wait(std::chrono::milliseconds at_most, Each each) {
        const int count = ready(at_most);
        for (int i = 0; i < count; ++i) {
            const epoll_event& event = events_[static_cast<std::size_t>(i)];
            each(event.data.ptr, event.events);
        }
    }

 private:
    int ready(std::chrono::milliseconds at_most);

    UniqueFd fd_;
    std::array<epoll_event, 256> events_;
};

}  // namespace penstock::net
