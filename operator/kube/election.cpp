#include "operator/kube/election.hpp"

#include <algorithm>
#include <utility>

#include <spdlog/spdlog.h>

namespace penstock::kube {

namespace {

using std::chrono::steady_clock;
using std::chrono::system_clock;

// A leadership that runs out is noticed this soon, even while a renewal is under way.
constexpr std::chrono::milliseconds look_again{500};

}  // namespace

Election::Election(
    boost::asio::io_context& io,
    Transport& transport,
    runtime::LeaseSettings settings,
    std::function<void()> on_change
)
    : transport_(transport),
      elector_(std::move(settings)),
      on_change_(std::move(on_change)),
      alarm_(io, [this] { go_on(); }) {}

void Election::stop() {
    elector_.stop();
    go_on();
}

bool Election::is_leader() const { return elector_.is_leader(steady_clock::now()); }

void Election::go_on() {
    const auto now = steady_clock::now();
    if (const auto request = elector_.tick(now, system_clock::now()))
        transport_.send(
            *request,
            [this, alive = std::weak_ptr<bool>(alive_)](const runtime::Response& response) {
                if (alive.expired()) return;
                elector_.on_response(response, steady_clock::now());
                go_on();
            }
        );
    tell();
    if (elector_.is_over()) return;
    const auto due = elector_.next().value_or(now + look_again);
    alarm_.set(std::min(due, now + look_again));
}

void Election::tell() {
    if (elector_.fault() != told_fault_) {
        told_fault_ = elector_.fault();
        if (!told_fault_.empty()) spdlog::warn("Lease: {}", told_fault_);
    }
    const bool leads = is_leader();
    const bool is_over = elector_.is_over();
    if (leads == told_leader_ && is_over == told_over_) return;
    told_leader_ = leads;
    told_over_ = is_over;
    on_change_();
}

}  // namespace penstock::kube
