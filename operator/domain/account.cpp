#include "operator/domain/account.hpp"

#include <algorithm>
#include <tuple>

namespace penstock::domain {

namespace {
constexpr std::chrono::milliseconds retry{1000};
}

void Account::take(const api::Report& report, Time reported) {
    if (reported_ && reported < *reported_) return;
    const auto version = std::tuple{report.epoch, report.sequence};
    if (reported_ && version < std::tuple{epoch_, sequence_}) return;
    reported_ = reported;
    std::tie(epoch_, sequence_) = version;
    granted_ = report.granted;
    servers_ = report.servers();
    std::erase_if(sent_, [&](const Sent& sent) {
        return std::tuple{sent.epoch, sent.sequence} <= version;
    });
}

void Account::issue(const api::Grant& grant, Time now) {
    // A repetition of the same number replaces the one before: whichever arrives, it is that
    // number.
    std::erase_if(sent_, [&](const Sent& sent) {
        return sent.connections == grant.server_connections;
    });
    sent_.push_back({grant.epoch, grant.sequence, grant.server_connections});
    last_ = grant;
    last_at_ = now;
}

std::int32_t Account::charge(std::int32_t seen) const {
    std::int32_t most = std::max({granted_, servers_, seen});
    for (const Sent& sent : sent_) most = std::max(most, sent.connections);
    return most;
}

std::int32_t Account::expected() const {
    const bool pending = last_ && !sent_.empty() && last_->server_connections != keep;
    return pending ? last_->server_connections : granted_;
}

bool Account::due(std::int32_t connections, const std::optional<api::Throttle>& throttle, Time now)
    const {
    if (!last_ || last_->server_connections != connections || last_->throttle != throttle)
        return true;
    if (acknowledged()) return connections != keep && granted_ != connections;
    return (reported_ && *reported_ > last_at_) || now - last_at_ >= retry;
}

}  // namespace penstock::domain
