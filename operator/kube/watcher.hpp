// Carries out what one runtime::Watch asks for: lists, streams and pauses. Owned by the deciding
// thread.
#pragma once

#include "operator/kube/alarm.hpp"
#include "operator/kube/transport.hpp"
#include "operator/runtime/watch.hpp"

#include <functional>
#include <memory>
#include <optional>

namespace penstock::kube {

class Watcher {
 public:
    // `on_news`: what the store shows, or whether it is synced, has changed.
    Watcher(
        boost::asio::io_context& io,
        Transport& transport,
        runtime::WatchSettings settings,
        std::function<void()> on_news
    );
    // Gives up what is under way.
    ~Watcher();
    Watcher(const Watcher&) = delete;
    Watcher& operator=(const Watcher&) = delete;

    void begin();
    const runtime::Watch& watch() const { return watch_; }
    runtime::Store& store() { return watch_.store(); }

 private:
    void perform(const runtime::Watch::Actions& actions);
    void list(const runtime::Request& request);
    void stream(const runtime::Request& request);
    void tell_news();

    Transport& transport_;
    runtime::Watch watch_;
    std::function<void()> on_news_;
    Alarm alarm_;
    std::optional<Transport::StreamId> stream_;
    // Gone with this object: an answer that comes later finds nobody.
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
    std::uint64_t told_changes_ = 0;
    bool told_synced_ = false;
    std::string told_fault_;
};

}  // namespace penstock::kube
