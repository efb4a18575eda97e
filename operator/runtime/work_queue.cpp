#include "operator/runtime/work_queue.hpp"

#include <algorithm>

namespace penstock::runtime {

void WorkQueue::add(const std::string& key, Time at) {
    Item& item = items_[key];
    item.due = item.due ? std::min(*item.due, at) : at;
}

std::optional<std::string> WorkQueue::take(Time now) {
    auto chosen = items_.end();
    for (auto each = items_.begin(); each != items_.end(); ++each) {
        const Item& item = each->second;
        if (item.in_progress || !item.due || *item.due > now) continue;
        if (chosen == items_.end() || *item.due < *chosen->second.due) chosen = each;
    }
    if (chosen == items_.end()) return std::nullopt;
    chosen->second.in_progress = true;
    chosen->second.due.reset();
    return chosen->first;
}

void WorkQueue::finish(const std::string& key, const Outcome& outcome, Time now) {
    const auto found = items_.find(key);
    if (found == items_.end() || !found->second.in_progress) return;  // forgotten meanwhile
    Item& item = found->second;
    item.in_progress = false;
    if (std::holds_alternative<Retry>(outcome)) {
        add(key, now + delay_after(item.failures));
        ++item.failures;
        return;
    }
    item.failures = 0;
    if (const auto* after = std::get_if<After>(&outcome)) add(key, now + after->delay);
    if (!item.due) items_.erase(found);
}

void WorkQueue::forget(const std::string& key) { items_.erase(key); }

std::optional<WorkQueue::Time> WorkQueue::next() const {
    std::optional<Time> earliest;
    for (const auto& [key, item] : items_)
        if (!item.in_progress && item.due && (!earliest || *item.due < *earliest))
            earliest = item.due;
    return earliest;
}

std::chrono::milliseconds WorkQueue::delay_after(int failures) const {
    std::chrono::milliseconds delay = backoff_.first;
    for (int i = 0; i < failures && delay < backoff_.most; ++i) delay *= 2;
    return std::min(delay, backoff_.most);
}

}  // namespace penstock::runtime
