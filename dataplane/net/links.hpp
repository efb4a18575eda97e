// The links of one worker: by name, and room for new ones. This worker's thread only.
#pragma once

#include "dataplane/net/link.hpp"

#include <array>
#include <deque>
#include <vector>

namespace penstock::net {

class Links {
 public:
    explicit Links(Poller& poller) : poller_(poller) {}

    // A free link. It has no name until enter().
    Link& take() {
        if (free_.empty()) return all_.emplace_back(poller_);
        Link& link = *free_.back();
        free_.pop_back();
        return link;
    }
    // It is not taken again before recycle(): the event that runs may still hold it.
    void give_back(Link& link) { closed_.push_back(&link); }
    void recycle() {
        if (closed_.empty()) return;
        free_.insert(free_.end(), closed_.begin(), closed_.end());
        closed_.clear();
    }

    // From now on find() knows the link by its name.
    void enter(Link& link) {
        std::vector<Link*>& slots = slots_[index(link.name())];
        if (slots.size() <= link.name().slot) slots.resize(link.name().slot + 1);
        slots[link.name().slot] = &link;
    }
    void leave(const Link& link) {
        Link*& slot = slots_[index(link.name())][link.name().slot];
        if (slot == &link) slot = nullptr;
    }
    // Null: that name is gone.
    Link* find(proxy::LinkId name) const {
        const std::vector<Link*>& slots = slots_[index(name)];
        if (name.slot >= slots.size()) return nullptr;
        Link* link = slots[name.slot];
        return link != nullptr && link->name() == name ? link : nullptr;
    }
    // All that are not free, named or lingering.
    template <class Visitor>
    void for_each_open(Visitor visit) {
        for (Link& link : all_) {
            if (link.state() != Link::State::Free) visit(link);
        }
    }

 private:
    static std::size_t index(proxy::LinkId name) { return static_cast<std::size_t>(name.kind); }

    Poller& poller_;
    std::deque<Link> all_;  // never shrinks: links do not move
    std::vector<Link*> free_;
    std::vector<Link*> closed_;
    std::array<std::vector<Link*>, 3> slots_;  // by kind
};

}  // namespace penstock::net
