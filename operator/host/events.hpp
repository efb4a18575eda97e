// The events of one resource: the same one again counts up, and only the newest are kept. Pure.
#pragma once

#include "crds/api/document.hpp"
#include "operator/domain/plan.hpp"

#include <string>
#include <vector>

namespace penstock::host {

class Events {
 public:
    static constexpr std::size_t count_max = 50;

    // `wall` is RFC 3339. The newest event is the last one.
    void add(const domain::Event& event, const std::string& wall);

    // A list of {type, reason, action, note, count, firstTime, lastTime}.
    api::Document encode() const;
    // What encode() made; anything else gives none.
    static Events decode(const api::Document& document);

 private:
    struct Entry {
        std::string type;
        std::string reason;
        std::string action;
        std::string note;
        std::int64_t count = 1;
        std::string first_time;
        std::string last_time;
    };
    std::vector<Entry> entries_;
};

}  // namespace penstock::host
