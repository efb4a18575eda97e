#include "operator/kube/cache.hpp"

#include "crds/api/names.hpp"

#include <algorithm>
#include <random>

namespace penstock::kube {

namespace {

namespace kinds = runtime::resources;

std::string ours() {
    return std::string(api::labels::managed_by) + "=" + std::string(api::operator_name);
}

}  // namespace

Cache::Cache(
    boost::asio::io_context& io,
    Transport& transport,
    const std::vector<std::string>& namespaces,
    const std::function<void()>& on_news
) {
    std::random_device random;
    const auto add = [&](const runtime::Resource& kind, const std::string& selector) {
        for (const std::string& name_space :
             namespaces.empty() ? std::vector<std::string>{""} : namespaces) {
            runtime::WatchSettings settings;
            settings.resource = kind;
            settings.name_space = name_space;
            settings.label_selector = selector;
            settings.seed = random();
            watchers_.emplace(
                kind.plural, std::make_unique<Watcher>(io, transport, std::move(settings), on_news)
            );
        }
    };
    add(kinds::connection_pools, "");
    add(kinds::backpressures, "");
    for (const runtime::Resource& kind :
         {kinds::pods,
          kinds::deployments,
          kinds::services,
          kinds::config_maps,
          kinds::service_accounts,
          kinds::disruption_budgets})
        add(kind, ours());
}

void Cache::begin() {
    for (const auto& [plural, watcher] : watchers_) watcher->begin();
}

bool Cache::synced() const {
    return std::all_of(watchers_.begin(), watchers_.end(), [](const auto& entry) {
        return entry.second->watch().synced();
    });
}

std::string Cache::fault() const {
    for (const auto& [plural, watcher] : watchers_) {
        const std::string& fault = watcher->watch().fault();
        if (!fault.empty()) return watcher->watch().settings().resource.name() + ": " + fault;
    }
    return {};
}

runtime::Snapshot Cache::find(const runtime::Resource& kind, const std::string& key) const {
    const auto [begin, end] = watchers_.equal_range(kind.plural);
    for (auto at = begin; at != end; ++at)
        if (auto found = at->second->watch().store().find(key)) return found;
    return nullptr;
}

std::size_t Cache::size(const runtime::Resource& kind) const {
    std::size_t size = 0;
    for_each(kind, [&](const auto&, const auto&) { ++size; });
    return size;
}

void Cache::put(const runtime::Resource& kind, api::Document response) {
    const auto key = runtime::key_of(response);
    if (!key) return;
    const auto [begin, end] = watchers_.equal_range(kind.plural);
    for (auto at = begin; at != end; ++at) {
        const std::string& name_space = at->second->watch().settings().name_space;
        if (!name_space.empty() && key->rfind(name_space + "/", 0) != 0) continue;
        at->second->store().put(std::move(response));
        return;
    }
}

}  // namespace penstock::kube
