// Room inside a link for the one handler that Asio keeps for it in each direction, so that arming a
// wait allocates nothing. This worker's thread only.
#pragma once

#include "crds/api/check.hpp"

#include <cstddef>

namespace penstock::net {

class HandlerMemory {
 public:
    // 112: what Asio 1.74 needs for a wait; allocate() checks it.
    static constexpr std::size_t size = 112;

    HandlerMemory() = default;
    HandlerMemory(const HandlerMemory&) = delete;
    HandlerMemory& operator=(const HandlerMemory&) = delete;

    void* allocate(std::size_t bytes) {
        CHECK(!in_use_ && bytes <= size);
        in_use_ = true;
        return storage_;
    }
    void deallocate() { in_use_ = false; }

 private:
    alignas(std::max_align_t) std::byte storage_[size];
    bool in_use_ = false;
};

// What Asio asks for as a handler's associated allocator.
template <class T>
class HandlerAllocator {
 public:
    using value_type = T;

    explicit HandlerAllocator(HandlerMemory& memory) : memory_(&memory) {}
    template <class U>
    explicit HandlerAllocator(const HandlerAllocator<U>& other) : memory_(other.memory_) {}

    T* allocate(std::size_t count) { return static_cast<T*>(memory_->allocate(count * sizeof(T))); }
    void deallocate(T*, std::size_t) { memory_->deallocate(); }

    bool operator==(const HandlerAllocator&) const = default;

 private:
    template <class>
    friend class HandlerAllocator;
    HandlerMemory* memory_;
};

}  // namespace penstock::net
