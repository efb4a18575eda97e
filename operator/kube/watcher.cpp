#include "operator/kube/watcher.hpp"

#include <utility>
#include <variant>

#include <spdlog/spdlog.h>

namespace penstock::kube {

namespace {

using std::chrono::steady_clock;

}  // namespace

Watcher::Watcher(
    boost::asio::io_context& io,
    Transport& transport,
    runtime::WatchSettings settings,
    std::function<void()> on_news
)
    : transport_(transport),
      watch_(std::move(settings)),
      on_news_(std::move(on_news)),
      alarm_(io, [this] { perform(watch_.tick(steady_clock::now())); }) {}

Watcher::~Watcher() {
    if (stream_) transport_.cancel(*stream_);
}

void Watcher::begin() { perform(watch_.tick(steady_clock::now())); }

void Watcher::perform(const runtime::Watch::Actions& actions) {
    for (const runtime::WatchAction& action : actions) {
        if (const auto* send = std::get_if<runtime::SendList>(&action)) {
            list(send->request);
        } else if (const auto* open = std::get_if<runtime::OpenStream>(&action)) {
            stream(open->request);
        } else if (const auto* until = std::get_if<runtime::WaitUntil>(&action)) {
            alarm_.set(until->at);
        } else if (stream_) {
            transport_.cancel(*std::exchange(stream_, std::nullopt));
        }
    }
    tell_news();
}

void Watcher::list(const runtime::Request& request) {
    transport_.send(
        request,
        [this, alive = std::weak_ptr<bool>(alive_)](const runtime::Response& response) {
            if (!alive.expired()) perform(watch_.on_list(response, steady_clock::now()));
        }
    );
}

void Watcher::stream(const runtime::Request& request) {
    stream_ = transport_.stream(
        request,
        [this](std::string_view bytes) { perform(watch_.on_bytes(bytes, steady_clock::now())); },
        [this](const runtime::Response& response) {
            stream_.reset();
            perform(watch_.on_end(response, steady_clock::now()));
        }
    );
}

void Watcher::tell_news() {
    if (watch_.fault() != told_fault_) {
        told_fault_ = watch_.fault();
        const std::string name = watch_.settings().resource.name();
        if (told_fault_.empty()) {
            spdlog::info("watch of {}: goes on", name);
        } else {
            spdlog::warn("watch of {}: {}", name, told_fault_);
        }
    }
    const std::uint64_t changes = watch_.store().changes();
    if (changes == told_changes_ && watch_.synced() == told_synced_) return;
    told_changes_ = changes;
    told_synced_ = watch_.synced();
    on_news_();
}

}  // namespace penstock::kube
