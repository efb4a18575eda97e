// A first-in first-out list of slots whose links live in the slots themselves: joining and leaving
// from anywhere cost no memory and no search. `links` is a callable: slot -> SlotLinks&.
#pragma once

#include "dataplane/pool/slab.hpp"

#include <cstddef>
#include <cstdint>

namespace penstock::pool {

struct SlotLinks {
    std::uint32_t previous = no_slot;
    std::uint32_t next = no_slot;
};

class SlotList {
 public:
    template <class Links>
    void push_back(std::uint32_t slot, Links&& links) {
        links(slot) = {last_, no_slot};
        if (last_ == no_slot) {
            first_ = slot;
        } else {
            links(last_).next = slot;
        }
        last_ = slot;
        ++size_;
    }
    // Requires: the slot is in this list.
    template <class Links>
    void remove(std::uint32_t slot, Links&& links) {
        const SlotLinks gone = links(slot);
        if (gone.previous == no_slot) {
            first_ = gone.next;
        } else {
            links(gone.previous).next = gone.next;
        }
        if (gone.next == no_slot) {
            last_ = gone.previous;
        } else {
            links(gone.next).previous = gone.previous;
        }
        links(slot) = {};
        --size_;
    }

    // no_slot when empty.
    std::uint32_t front() const { return first_; }
    std::size_t size() const { return size_; }
    bool is_empty() const { return size_ == 0; }

 private:
    std::uint32_t first_ = no_slot;
    std::uint32_t last_ = no_slot;
    std::size_t size_ = 0;
};

}  // namespace penstock::pool
