#include "dataplane/net/grant_desk.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>

namespace penstock::net {
namespace {

std::int32_t microseconds(std::int32_t milliseconds) {
    return static_cast<std::int32_t>(
        std::min<std::int64_t>(std::int64_t{milliseconds} * 1'000, INT32_MAX)
    );
}

}  // namespace

GrantDesk::GrantDesk(pool::Board& board, const api::DataplaneConfig& document) : board_(board) {
    configure(document);
}

bool GrantDesk::take(const api::Grant& grant) {
    const auto place = [](const api::Grant& each) { return std::pair(each.epoch, each.sequence); };
    if (grant_ && place(grant) <= place(*grant_)) return false;
    const std::int32_t before = server_connections();
    grant_ = grant;
    if (grant.server_connections == 0) grant_->server_connections = before;
    publish();
    return true;
}

void GrantDesk::configure(const api::DataplaneConfig& document) {
    floor_ = document.server_connections;
    queue_ = document.queue;
    publish();
}

std::int32_t GrantDesk::server_connections() const {
    return grant_ ? grant_->server_connections : floor_;
}

void GrantDesk::publish() {
    board_.set_limit(server_connections());
    api::Throttle throttle;
    if (grant_ && grant_->throttle) {
        throttle = *grant_->throttle;
    } else if (queue_) {
        throttle.enforced = true;
        throttle.queue_length_max = queue_->max_length;
        throttle.queue_wait_max_ms = queue_->max_wait_milliseconds;
    }
    constexpr auto relaxed = std::memory_order_relaxed;
    board_.throttle.enforced.store(throttle.enforced, relaxed);
    board_.throttle.concurrency_max.store(throttle.concurrency_max, relaxed);
    board_.throttle.queue_length_max.store(throttle.queue_length_max, relaxed);
    board_.throttle.queue_wait_max_us.store(microseconds(throttle.queue_wait_max_ms), relaxed);
}

}  // namespace penstock::net
