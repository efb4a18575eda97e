// Bytes of the wire taken apart for tests.
#pragma once

#include "dataplane/wire/bytes.hpp"
#include "dataplane/wire/frame.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace penstock::test {

struct Message {
    char type = 0;
    std::string body;

    bool operator==(const Message&) const = default;
};

// The whole messages in `bytes`; what does not end is one of type '?'.
inline std::vector<Message> messages(std::string_view bytes) {
    std::vector<Message> all;
    wire::FrameCursor cursor(bytes, 1 << 20);
    while (!cursor.is_empty()) {
        wire::Frame frame;
        if (cursor.next(frame) != wire::FrameResult::Whole) {
            all.push_back({'?', std::string{cursor.rest()}});
            break;
        }
        all.push_back({frame.type, std::string{frame.body}});
        cursor.take(frame);
    }
    return all;
}

// The types of the messages in `bytes`, as one text.
inline std::string types(std::string_view bytes) {
    std::string text;
    for (const Message& message : messages(bytes)) text += message.type;
    return text;
}

// A text literal with the zero bytes in it.
template <std::size_t Size>
std::string bytes(const char (&literal)[Size]) {
    return {literal, Size - 1};
}

// A message of any type.
inline std::string message(char type, std::string_view body) {
    std::string out{type};
    wire::append_u32(out, static_cast<std::uint32_t>(body.size() + 4));
    return out.append(body);
}

}  // namespace penstock::test
