#include "operator/runtime/event_series.hpp"

#include "crds/api/document.hpp"
#include "operator/runtime/api_error.hpp"
#include "operator/runtime/resource.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace penstock::runtime {
namespace {

using api::Document;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr minutes lifetime{6};        // of a series without news
constexpr minutes between_writes{3};  // of one series: with the first, at most 3 in 6 minutes
constexpr seconds retry_delay{10};
constexpr int failures_max = 3;
constexpr std::size_t series_max = 1000;
constexpr std::size_t guards_max = 4096;
constexpr double new_series_burst = 25;          // of one object
constexpr double new_series_rate = 1.0 / 300.0;  // a second
constexpr std::size_t note_max = 1024;
constexpr std::size_t word_max = 128;
constexpr std::size_t name_max = 200;

std::string cut(const std::string& text, std::size_t size) {
    if (text.size() <= size) return text;
    std::size_t end = size;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
    return text.substr(0, end);
}

std::string key_of_event(const EventNote& event) {
    std::string key(event.is_warning ? "W" : "N");
    const std::array<std::string, 4> parts{
        event.action, event.reason, event.regarding.uid, note_class(event.note)};
    for (const std::string& part : parts) key.append("\n").append(part);
    return key;
}

std::string hex(std::uint64_t number) {
    std::string text;
    for (int shift = 60; shift >= 0; shift -= 4)
        text += "0123456789abcdef"[(number >> static_cast<unsigned>(shift)) & 15U];
    return text;
}

}  // namespace

std::string note_class(const std::string& note) {
    std::string result;
    for (const char c : note) {
        const bool is_digit = c >= '0' && c <= '9';
        if (!is_digit) {
            result += c;
        } else if (!result.ends_with('#')) {
            result += '#';
        }
    }
    return result;
}

EventSeries::EventSeries(std::string controller, std::string instance)
    : controller_(std::move(controller)), instance_(std::move(instance)) {}

void EventSeries::record(const EventNote& event, Time now, WallTime wall) {
    ++counters_.recorded;
    expire(now);
    const std::string key = key_of_event(event);
    const auto found = series_.find(key);
    if (found != series_.end()) {
        Series& series = found->second;
        ++series.count;
        series.seen = now;
        series.last = to_micro_time(wall);
        if (!series.due && in_flight_ != key) series.due = std::max(now, series.not_before);
        return;
    }
    if (series_.size() >= series_max || !may_begin(event, now)) {
        ++counters_.dropped;
        return;
    }
    Series series;
    series.first = event;
    const auto since =
        std::chrono::duration_cast<std::chrono::microseconds>(wall.time_since_epoch());
    series.name = cut(event.regarding.name, name_max) + "." +
                  hex(static_cast<std::uint64_t>(since.count()) * 16 + (++serial_ % 16));
    series.begun = series.last = to_micro_time(wall);
    series.seen = now;
    series.due = now;
    series_.emplace(key, std::move(series));
}

bool EventSeries::may_begin(const EventNote& event, Time now) {
    if (guards_.size() >= guards_max) guards_.clear();  // they all get their burst again
    return guards_.try_emplace(event.regarding.uid, new_series_rate, new_series_burst)
        .first->second.take(now);
}

void EventSeries::expire(Time now) {
    std::erase_if(series_, [&](const auto& each) {
        const Series& series = each.second;
        const bool is_written = series.written == series.count && in_flight_ != each.first;
        return is_written && now - series.seen >= lifetime;
    });
}

std::optional<EventSeries::Job> EventSeries::take(Time now) {
    if (in_flight_) return std::nullopt;
    auto chosen = series_.end();
    for (auto each = series_.begin(); each != series_.end(); ++each) {
        if (!each->second.due || *each->second.due > now) continue;
        if (chosen == series_.end() || *each->second.due < *chosen->second.due) chosen = each;
    }
    if (chosen == series_.end()) return std::nullopt;
    in_flight_ = chosen->first;
    in_flight_count_ = chosen->second.count;
    chosen->second.due.reset();
    return Job{chosen->first, request_of(chosen->second)};
}

Request EventSeries::request_of(const Series& series) const {
    const EventNote& event = series.first;
    const ObjectReference& regarding = event.regarding;
    const std::string name_space = regarding.name_space.empty() ? "default" : regarding.name_space;
    const Resource& events = resources::events;
    Document document;
    Document counted;
    counted["count"] = series.count;
    counted["lastObservedTime"] = series.last;
    if (series.written > 0) {
        document["series"] = std::move(counted);
        return {
            Method::Patch,
            events.object(name_space, series.name),
            {},
            "application/merge-patch+json",
            api::to_json_text(document)};
    }
    document["apiVersion"] = events.api_version();
    document["kind"] = events.kind;
    document["metadata"] = {{"name", series.name}, {"namespace", name_space}};
    document["eventTime"] = series.begun;
    document["reportingController"] = controller_;
    document["reportingInstance"] = cut(instance_, word_max);
    document["type"] = event.is_warning ? "Warning" : "Normal";
    document["action"] = cut(event.action, word_max);
    document["reason"] = cut(event.reason, word_max);
    document["note"] = cut(event.note, note_max);
    Document& object = document["regarding"];
    object["apiVersion"] = regarding.api_version;
    object["kind"] = regarding.kind;
    if (!regarding.name_space.empty()) object["namespace"] = regarding.name_space;
    object["name"] = regarding.name;
    object["uid"] = regarding.uid;
    if (series.count > 1) document["series"] = std::move(counted);
    return {
        Method::Post,
        events.collection(name_space),
        {},
        "application/json",
        api::to_json_text(document)};
}

void EventSeries::finish(const std::string& key, const Response& response, Time now) {
    if (in_flight_ != key) return;
    in_flight_.reset();
    const auto found = series_.find(key);
    if (found == series_.end()) return;
    Series& series = found->second;
    const Answer answer = read_answer(response);
    const bool is_first = series.written == 0;
    if (answer.ok() || (is_first && answer.what == AnswerClass::AlreadyExists)) {
        ++counters_.written;
        series.failures = 0;
        series.written = in_flight_count_;
        // The second time is told at once, then a write each few minutes tells all since.
        series.not_before = is_first ? now : now + between_writes;
        if (series.count > series.written) series.due = series.not_before;
        return;
    }
    const bool is_lost = !is_first && answer.what == AnswerClass::NotFound;  // it has expired
    if (!is_lost && answer.is_retryable() && ++series.failures < failures_max) {
        const seconds told = answer.retry_after.value_or(seconds(0));
        series.due = now + std::max(retry_delay, told);
        return;
    }
    ++counters_.dropped;
    series_.erase(found);
}

std::optional<EventSeries::Time> EventSeries::next() const {
    if (in_flight_) return std::nullopt;
    std::optional<Time> earliest;
    for (const auto& [key, series] : series_)
        if (series.due && (!earliest || *series.due < *earliest)) earliest = series.due;
    return earliest;
}

}  // namespace penstock::runtime
