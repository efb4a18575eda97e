// Where one message ends and the next begins. A message is a type byte, a length that counts
// itself, and a body.
//
// FrameCursor walks one chunk of bytes:
//   1. `next()` gives the header and as much of the body as the chunk holds (`frame.body`,
//   `frame.missing`);
//   2. the caller either takes the frame (`take`), which for an incomplete body leaves `missing`
//   bytes to come, or
//      stops, keeps `rest()` and comes back when more bytes have arrived behind them.
// It never waits for a body and never reserves what was only declared. It does not own bytes.
#pragma once

#include "dataplane/wire/bytes.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace penstock::wire {

inline constexpr std::size_t header_bytes = 5;

struct Frame {
    char type = 0;
    std::string_view all;     // header and the part of the body that is here
    std::string_view body;    // the part of the body that is here
    std::size_t missing = 0;  // bytes of the body that have not arrived

    bool is_whole() const { return missing == 0; }
};

enum class FrameResult : std::uint8_t {
    Whole,       // frame is set and complete
    Partial,     // frame is set; `missing` bytes of its body are still to come
    NeedHeader,  // fewer than five bytes are left
    BadLength,   // the declared length is impossible or above the limit
};

class FrameCursor {
 public:
    // body_max: longest body that is accepted, in bytes.
    FrameCursor(std::string_view chunk, std::size_t body_max) : rest_(chunk), body_max_(body_max) {}

    // The frame at the front, without consuming it. Views hold as long as the chunk does.
    FrameResult next(Frame& frame) const {
        if (rest_.size() < header_bytes) return FrameResult::NeedHeader;
        const std::size_t length = load_u32(rest_.data() + 1);
        if (length < 4 || length - 4 > body_max_) return FrameResult::BadLength;
        const std::size_t body = length - 4;
        const std::size_t here =
            rest_.size() - header_bytes < body ? rest_.size() - header_bytes : body;
        frame.type = rest_.front();
        frame.all = {rest_.data(), header_bytes + here};
        frame.body = {rest_.data() + header_bytes, here};
        frame.missing = body - here;
        return frame.missing == 0 ? FrameResult::Whole : FrameResult::Partial;
    }

    // Requires: frame came from next() and nothing was consumed since.
    void take(const Frame& frame) { rest_.remove_prefix(frame.all.size()); }
    void skip(std::size_t bytes) { rest_.remove_prefix(bytes); }

    std::string_view rest() const { return rest_; }
    bool is_empty() const { return rest_.empty(); }

 private:
    std::string_view rest_;
    std::size_t body_max_;
};

}  // namespace penstock::wire
