// Keeps a Store equal to the API server's objects of one kind: LIST in pages, then WATCH from the
// list's version, again and again. A machine without IO: answers, bytes and times go in, requests
// come out. Owned by the deciding thread.
//
//   Empty -> Listing -> Watching <-> Waiting (back-off; then a list, or the watch from where it
//   was)
#pragma once

#include "operator/runtime/api_error.hpp"
#include "operator/runtime/backoff.hpp"
#include "operator/runtime/request.hpp"
#include "operator/runtime/resource.hpp"
#include "operator/runtime/store.hpp"
#include "operator/runtime/watch_lines.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace penstock::runtime {

struct WatchSettings {
    Resource resource;
    std::string name_space;      // empty: the whole cluster
    std::string label_selector;  // "a=b,c"
    std::string field_selector;
    int page = 500;
    std::uint64_t seed = 1;
};

// What the owner does next. There is at most one list and one stream at a time.
struct SendList {  // answer: on_list()
    Request request;
};
struct OpenStream {  // answers: on_bytes(), then on_end() unless cancelled
    Request request;
};
struct CancelStream {};
struct WaitUntil {  // then tick()
    std::chrono::steady_clock::time_point at;
};
using WatchAction = std::variant<SendList, OpenStream, CancelStream, WaitUntil>;

struct WatchCounters {
    std::uint64_t lists = 0;    // begun; pages do not count
    std::uint64_t streams = 0;  // opened
    std::uint64_t events = 0;
    std::uint64_t bookmarks = 0;
    std::map<std::string, std::uint64_t> relists;  // by the AnswerClass that asked for it
};

class Watch {
 public:
    using Time = std::chrono::steady_clock::time_point;
    using Actions = std::vector<WatchAction>;

    explicit Watch(WatchSettings settings);

    // Begins, or goes on when the time of a WaitUntil has come; at other times does nothing.
    Actions tick(Time now);
    Actions on_list(const Response& response, Time now);
    Actions on_bytes(std::string_view bytes, Time now);
    Actions on_end(const Response& response, Time now);

    Store& store() { return store_; }
    const Store& store() const { return store_; }
    bool synced() const { return synced_; }              // one whole list has been seen
    const std::string& fault() const { return fault_; }  // why nothing is heard; empty: all is well
    Time last_heard() const { return heard_; }           // a list, an event or a bookmark
    const WatchCounters& counters() const { return counters_; }
    const WatchSettings& settings() const { return settings_; }

 private:
    enum class State : std::uint8_t { Empty, Listing, Watching, Waiting };

    Request list_request() const;
    Actions list();
    Actions watch(Time now);
    Actions wait(Time now, const Answer& answer);
    // After a stream that ended badly: from where it was, or with a list where that cannot be.
    Actions resume(Time now, const Answer& answer);
    // False: the line is no event, or one that ends the watch; `refusal_` says why.
    bool read_event(std::string_view line, Time now);

    WatchSettings settings_;
    Store store_;
    Backoff backoff_;
    WatchLines lines_;
    State state_ = State::Empty;
    std::string version_;  // to watch from; empty: list first
    std::string continue_;
    std::vector<api::Document> pages_;
    bool is_whole_ = false;  // this list is asked for in one piece, as a page token had expired
    Time due_{};
    Time opened_{};
    Time heard_{};
    Answer refusal_;
    bool synced_ = false;
    std::string fault_;
    WatchCounters counters_;
};

}  // namespace penstock::runtime
