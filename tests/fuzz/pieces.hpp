// How a fuzzer's input becomes choices and a stream that arrives in pieces.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace penstock::fuzz {

class Pieces {
 public:
    Pieces(const std::uint8_t* data, std::size_t size)
        : rest_(reinterpret_cast<const char*>(data), size) {}

    // One byte, 0 at the end: a choice.
    unsigned choice() {
        if (rest_.empty()) return 0;
        const auto byte = static_cast<unsigned char>(rest_.front());
        rest_.remove_prefix(1);
        return byte;
    }
    // The next piece: a byte says its length, 255 means all that is left. Empty at the end.
    std::string_view next() {
        std::size_t size = choice();
        if (size == 255 || size > rest_.size()) size = rest_.size();
        const std::string_view piece = rest_.substr(0, size);
        rest_.remove_prefix(size);
        return piece;
    }
    bool is_empty() const { return rest_.empty(); }

 private:
    std::string_view rest_;
};

}  // namespace penstock::fuzz
