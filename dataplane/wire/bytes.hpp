// Network byte order in and out of byte views. Views are std::string_view, buffers std::string,
// everywhere in the data plane: a view never owns and holds only as long as the buffer that it was
// cut from stays untouched.
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

namespace penstock::wire {

// Requires: four readable bytes at `at`.
inline std::uint32_t load_u32(const char* at) {
    std::uint32_t value = 0;
    std::memcpy(&value, at, sizeof value);
    return __builtin_bswap32(value);
}

// Requires: two readable bytes at `at`.
inline std::uint16_t load_u16(const char* at) {
    std::uint16_t value = 0;
    std::memcpy(&value, at, sizeof value);
    return __builtin_bswap16(value);
}

inline void append_u32(std::string& out, std::uint32_t value) {
    value = __builtin_bswap32(value);
    out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

inline void append_u16(std::string& out, std::uint16_t value) {
    value = __builtin_bswap16(value);
    out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

// Requires: four writable bytes of `out` from `offset`.
inline void store_u32(std::string& out, std::size_t offset, std::uint32_t value) {
    value = __builtin_bswap32(value);
    std::memcpy(out.data() + offset, &value, sizeof value);
}

// Reads fields from the front of a view. Once a read fails, the reader stays failed and all further
// reads fail.
class ByteReader {
 public:
    explicit ByteReader(std::string_view bytes) : rest_(bytes) {}

    std::uint32_t u32() {
        if (rest_.size() < 4) return fail(), 0;
        const std::uint32_t value = load_u32(rest_.data());
        rest_.remove_prefix(4);
        return value;
    }
    std::uint16_t u16() {
        if (rest_.size() < 2) return fail(), std::uint16_t{0};
        const std::uint16_t value = load_u16(rest_.data());
        rest_.remove_prefix(2);
        return value;
    }
    char byte() {
        if (rest_.empty()) return fail(), '\0';
        const char value = rest_.front();
        rest_.remove_prefix(1);
        return value;
    }
    // Up to and without the terminating zero byte, which is consumed.
    std::string_view c_string() {
        const std::size_t end = rest_.find('\0');
        if (end == std::string_view::npos) return fail(), std::string_view{};
        const std::string_view text = rest_.substr(0, end);
        rest_.remove_prefix(end + 1);
        return text;
    }
    std::string_view take(std::size_t size) {
        if (rest_.size() < size) return fail(), std::string_view{};
        const std::string_view bytes = rest_.substr(0, size);
        rest_.remove_prefix(size);
        return bytes;
    }

    std::string_view rest() const { return rest_; }
    bool ok() const { return ok_; }
    bool at_end() const { return ok_ && rest_.empty(); }

 private:
    void fail() {
        ok_ = false;
        rest_ = {};
    }

    std::string_view rest_;
    bool ok_ = true;
};

}  // namespace penstock::wire
