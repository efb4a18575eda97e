// Everything of the API that the operator watches: its own kinds, what it makes of them, and the
// Pods. Owned by the deciding thread.
#pragma once

#include "operator/kube/watcher.hpp"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace penstock::kube {

class Cache {
 public:
    // No namespace: all of the cluster.
    Cache(
        boost::asio::io_context& io,
        Transport& transport,
        const std::vector<std::string>& namespaces,
        const std::function<void()>& on_news
    );

    void begin();
    // Every kind has been listed once.
    bool synced() const;
    // Of the watches that hear nothing, in words; empty when all is well.
    std::string fault() const;

    // Null: there is none.
    runtime::Snapshot find(const runtime::Resource& kind, const std::string& key) const;
    template <class F>
    void for_each(const runtime::Resource& kind, F&& visit) const {
        for (const auto& [plural, watcher] : watchers_)
            if (plural == kind.plural) watcher->watch().store().for_each(visit);
    }
    std::size_t size(const runtime::Resource& kind) const;
    // What the API server has answered to our own write of it.
    void put(const runtime::Resource& kind, api::Document response);

    template <class F>
    void for_each_watch(F&& visit) const {
        for (const auto& [plural, watcher] : watchers_) visit(watcher->watch());
    }

 private:
    // By plural, one for each namespace.
    std::multimap<std::string_view, std::unique_ptr<Watcher>> watchers_;
};

}  // namespace penstock::kube
