#include "operator/runtime/watch.hpp"

#include <algorithm>
#include <utility>

namespace penstock::runtime {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr milliseconds backoff_first{800};
constexpr milliseconds backoff_most{30'000};
// A stream that lived this long was a good one: its end is no failure, and after the second time
// all failures are forgotten.
constexpr seconds lifetime_good{5};
constexpr seconds lifetime_healthy{120};
constexpr int server_timeout_min = 300;
constexpr int server_timeout_max = 600;

const api::Document* child(const api::Document& document, const char* key) {
    if (!document.is_object()) return nullptr;
    const auto found = document.find(key);
    return found == document.end() ? nullptr : &*found;
}

std::string text_at(const api::Document* document, const char* key) {
    const api::Document* value = document == nullptr ? nullptr : child(*document, key);
    return value != nullptr && value->is_string() ? value->get<std::string>() : "";
}

Answer garbage(std::string text) { return {AnswerClass::Garbage, std::move(text), std::nullopt}; }

}  // namespace

Watch::Watch(WatchSettings settings)
    : settings_(std::move(settings)), backoff_(backoff_first, backoff_most, settings_.seed) {}

Watch::Actions Watch::tick(Time now) {
    if (state_ == State::Empty) return list();
    if (state_ != State::Waiting || now < due_) return {};
    return version_.empty() ? list() : watch(now);
}

Request Watch::list_request() const {
    Request request{Method::Get, settings_.resource.collection(settings_.name_space), {}, {}, {}};
    if (!settings_.label_selector.empty())
        request.query.emplace_back("labelSelector", settings_.label_selector);
    if (!settings_.field_selector.empty())
        request.query.emplace_back("fieldSelector", settings_.field_selector);
    return request;
}

// Without a resourceVersion: the newest state, which no API server can be behind of.
Watch::Actions Watch::list() {
    if (state_ != State::Listing) {
        ++counters_.lists;
        pages_.clear();
        continue_.clear();
    }
    state_ = State::Listing;
    Request request = list_request();
    if (!is_whole_) request.query.emplace_back("limit", std::to_string(settings_.page));
    if (!continue_.empty()) request.query.emplace_back("continue", continue_);
    return {SendList{std::move(request)}};
}

Watch::Actions Watch::watch(Time now) {
    state_ = State::Watching;
    ++counters_.streams;
    opened_ = now;
    lines_.clear();
    const double span = server_timeout_max - server_timeout_min;
    const int timeout = server_timeout_min + static_cast<int>(draw(backoff_.random()) * span);
    Request request = list_request();
    request.query.emplace_back("watch", "true");
    request.query.emplace_back("resourceVersion", version_);
    request.query.emplace_back("allowWatchBookmarks", "true");
    request.query.emplace_back("timeoutSeconds", std::to_string(timeout));
    return {OpenStream{std::move(request)}};
}

Watch::Actions Watch::wait(Time now, const Answer& answer) {
    fault_ = "cannot watch " + settings_.resource.name() +
             (settings_.name_space.empty() ? "" : " in namespace " + settings_.name_space) + ": " +
             answer.text;
    state_ = State::Waiting;
    due_ = now + backoff_.next();
    if (answer.retry_after) due_ = std::max(due_, now + *answer.retry_after);
    return {WaitUntil{due_}};
}

Watch::Actions Watch::resume(Time now, const Answer& answer) {
    switch (answer.what) {
        case AnswerClass::Gone:
        case AnswerClass::TooLargeVersion:
        case AnswerClass::Garbage:
        case AnswerClass::Invalid:
        case AnswerClass::NotFound:
            ++counters_.relists[std::string(to_string(answer.what))];
            version_.clear();
            break;
        default:
            break;
    }
    return wait(now, answer);
}

Watch::Actions Watch::on_list(const Response& response, Time now) {
    if (state_ != State::Listing) return {};
    Answer answer = read_answer(response);
    if (answer.what == AnswerClass::Gone) is_whole_ = true;
    if (!answer.ok()) return wait(now, answer);

    auto document = api::parse_json(response.body);
    if (!document) return wait(now, garbage("a list that is no JSON: " + document.error().text));
    const api::Document* metadata = child(*document, "metadata");
    const std::string version = text_at(metadata, "resourceVersion");
    const auto items = document->is_object() ? document->find("items") : document->end();
    const bool has_items = document->is_object() && items != document->end();
    const bool is_list = has_items && (items->is_array() || items->is_null());
    if (version.empty() || !is_list)
        return wait(now, garbage("a list without items or resourceVersion"));
    if (items->is_array()) {
        for (api::Document& item : *items) {
            if (!key_of(item)) return wait(now, garbage("a list with an item that has no name"));
            pages_.push_back(std::move(item));
        }
    }
    continue_ = text_at(metadata, "continue");
    if (!continue_.empty()) return list();

    store_.replace(std::exchange(pages_, {}), version_number(version));
    version_ = version;
    is_whole_ = false;
    synced_ = true;
    heard_ = now;
    fault_.clear();
    return watch(now);
}

Watch::Actions Watch::on_bytes(std::string_view bytes, Time now) {
    if (state_ != State::Watching) return {};
    lines_.feed(bytes);
    while (const auto line = lines_.next()) {
        if (read_event(*line, now)) continue;
        Actions actions = resume(now, refusal_);
        actions.insert(actions.begin(), CancelStream{});
        return actions;
    }
    if (!lines_.is_overlong()) return {};
    Actions actions = resume(now, garbage("an event that is too long"));
    actions.insert(actions.begin(), CancelStream{});
    return actions;
}

bool Watch::read_event(std::string_view line, Time now) {
    auto document = api::parse_json(line);
    const std::string type = document ? text_at(&*document, "type") : "";
    const api::Document* found = document ? child(*document, "object") : nullptr;
    if (found == nullptr || !found->is_object()) {
        refusal_ = garbage("a line that is no event");
        return false;
    }
    if (type == "ERROR") {
        refusal_ = read_status(*found, 500);
        return false;
    }
    const std::string version = text_at(child(*found, "metadata"), "resourceVersion");
    if (version.empty()) {
        refusal_ = garbage("an event without resourceVersion");
        return false;
    }
    api::Document& object = (*document)["object"];
    bool is_good = true;
    if (type == "BOOKMARK") {
        ++counters_.bookmarks;
        store_.pass(version_number(version));
    } else if (type == "ADDED" || type == "MODIFIED") {
        ++counters_.events;
        is_good = store_.apply(std::move(object));
    } else if (type == "DELETED") {
        ++counters_.events;
        is_good = store_.erase(object);
    }
    if (!is_good) {
        refusal_ = garbage("an event of an object without a name");
        return false;
    }
    version_ = version;  // types that we do not know only move it
    heard_ = now;
    fault_.clear();
    if (now - opened_ >= lifetime_healthy) backoff_.reset();
    return true;
}

Watch::Actions Watch::on_end(const Response& response, Time now) {
    if (state_ != State::Watching) return {};
    if (now - opened_ >= lifetime_healthy) backoff_.reset();
    Answer answer = read_answer(response);
    if (answer.ok()) {
        if (now - opened_ >= lifetime_good) return watch(now);
        answer.text = "the server ends the watch at once";
        return wait(now, answer);
    }
    return resume(now, answer);
}

}  // namespace penstock::runtime
