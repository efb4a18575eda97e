// A timer that rings once for each setting, and never when it has been set anew or is gone: a wait
// that was over before that finds nobody. Belongs to its io_context's thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>

#include <boost/asio/steady_timer.hpp>

namespace penstock::kube {

class Alarm {
 public:
    Alarm(boost::asio::io_context& io, std::function<void()> on_ring)
        : timer_(io), on_ring_(std::move(on_ring)) {}

    void set(std::chrono::steady_clock::time_point at) {
        timer_.expires_at(at);
        timer_.async_wait([this, turn = ++*turns_, turns = std::weak_ptr(turns_)](const auto&) {
            const auto present = turns.lock();
            if (present && *present == turn) on_ring_();
        });
    }
    void set_after(std::chrono::steady_clock::duration delay) {
        set(std::chrono::steady_clock::now() + delay);
    }

 private:
    boost::asio::steady_timer timer_;
    std::function<void()> on_ring_;
    std::shared_ptr<std::uint64_t> turns_ = std::make_shared<std::uint64_t>(0);
};

}  // namespace penstock::kube
