#include "operator/host/events.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

namespace penstock::host {

void Events::add(const domain::Event& event, const std::string& wall) {
    const std::string type = event.type == domain::EventType::Warning ? "Warning" : "Normal";
    Entry entry{type, event.reason, event.action, event.note, 1, wall, wall};
    const auto same = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& other) {
        return other.type == type && other.reason == event.reason && other.action == event.action &&
               other.note == event.note;
    });
    if (same != entries_.end()) {
        entry.count = same->count + 1;
        entry.first_time = same->first_time;
        entries_.erase(same);
    }
    entries_.push_back(std::move(entry));
    if (entries_.size() > count_max) entries_.erase(entries_.begin());
}

api::Document Events::encode() const {
    api::Document list = api::Document::array();
    for (const Entry& entry : entries_) {
        list.push_back(
            {{"type", entry.type},
             {"reason", entry.reason},
             {"action", entry.action},
             {"note", entry.note},
             {"count", entry.count},
             {"firstTime", entry.first_time},
             {"lastTime", entry.last_time}}
        );
    }
    return list;
}

Events Events::decode(const api::Document& document) {
    Events events;
    if (!document.is_array()) return events;
    for (const api::Document& item : document) {
        const auto text = [&](const char* key) {
            const bool is_there = item.is_object() && item.contains(key) && item[key].is_string();
            return is_there ? item[key].get<std::string>() : "";
        };
        Entry entry{
            text("type"),
            text("reason"),
            text("action"),
            text("note"),
            1,
            text("firstTime"),
            text("lastTime")};
        if (entry.reason.empty()) continue;
        if (item.contains("count") && item["count"].is_number_integer())
            entry.count = item["count"];
        events.entries_.push_back(std::move(entry));
    }
    if (events.entries_.size() > count_max)
        events.entries_.erase(events.entries_.begin(), events.entries_.end() - count_max);
    return events;
}

}  // namespace penstock::host
