// Bytes that Penstock itself adds during one event. Views into it hold until the next reset: blocks
// do not move.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

namespace penstock::proxy {

class Arena {
 public:
    std::string_view copy(std::string_view bytes) {
        char* at = allocate(bytes.size());
        bytes.copy(at, bytes.size());
        return {at, bytes.size()};
    }
    // Requires: size bytes are written before the view is used.
    char* allocate(std::size_t size) {
        if (size > block_bytes) {
            large_.push_back(std::make_unique<char[]>(size));
            return large_.back().get();
        }
        if (block_ == blocks_.size() || used_ + size > block_bytes) {
            if (block_ < blocks_.size()) ++block_;
            if (block_ == blocks_.size()) blocks_.push_back(std::make_unique<char[]>(block_bytes));
            used_ = 0;
        }
        char* at = blocks_[block_].get() + used_;
        used_ += size;
        return at;
    }
    void reset() {
        large_.clear();
        block_ = 0;
        used_ = 0;
    }

 private:
    static constexpr std::size_t block_bytes = 16 * 1024;

    std::vector<std::unique_ptr<char[]>> blocks_;
    std::vector<std::unique_ptr<char[]>> large_;
    std::size_t block_ = 0;
    std::size_t used_ = 0;
};

}  // namespace penstock::proxy
