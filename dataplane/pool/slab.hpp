// Storage for a worker's clients and servers: a slot each, named by slot and generation, so that a
// name that is past finds nothing. Slots do not move. One worker's only.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace penstock::pool {

inline constexpr std::uint32_t no_slot = 0xffffffff;

template <class T>
class Slab {
 public:
    struct Name {
        std::uint32_t slot = no_slot;
        std::uint64_t generation = 0;
    };

    template <class... Arguments>
    Name add(Arguments&&... arguments) {
        std::uint32_t slot = 0;
        if (free_.empty()) {
            slot = static_cast<std::uint32_t>(cells_.size());
            cells_.push_back(std::make_unique<Cell>());
        } else {
            slot = free_.back();
            free_.pop_back();
        }
        Cell& cell = *cells_[slot];
        ++cell.generation;  // from 1: 0 names nothing
        cell.value.emplace(std::forward<Arguments>(arguments)...);
        ++size_;
        return {slot, cell.generation};
    }
    // Requires: the slot is in use.
    void remove(std::uint32_t slot) {
        cells_[slot]->value.reset();
        free_.push_back(slot);
        --size_;
    }

    T* find(std::uint32_t slot, std::uint64_t generation) {
        if (slot >= cells_.size()) return nullptr;
        Cell& cell = *cells_[slot];
        return cell.generation == generation && cell.value ? &*cell.value : nullptr;
    }
    // Requires: the slot is in use. Holds until it is removed.
    T& at(std::uint32_t slot) { return *cells_[slot]->value; }
    T* at_if_used(std::uint32_t slot) {
        return cells_[slot]->value ? &*cells_[slot]->value : nullptr;
    }

    std::uint32_t slots() const { return static_cast<std::uint32_t>(cells_.size()); }
    std::size_t size() const { return size_; }

 private:
    struct Cell {
        std::optional<T> value;
        std::uint64_t generation = 0;  // in a process's life it never comes back
    };
    std::vector<std::unique_ptr<Cell>> cells_;
    std::vector<std::uint32_t> free_;
    std::size_t size_ = 0;
};

}  // namespace penstock::pool
