// Appends whole messages to a buffer, in the formats of PostgreSQL's manual ("Message Formats").
#pragma once

#include "dataplane/wire/bytes.hpp"
#include "dataplane/wire/message_type.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace penstock::wire {

// Opens a message, fills in its length when it goes out of scope. Requires: nothing else is
// appended to `out` meanwhile but through this object or by code that builds this message's body.
class MessageWriter {
 public:
    MessageWriter(std::string& out, Backend type) : MessageWriter(out, static_cast<char>(type)) {}
    MessageWriter(std::string& out, Frontend type) : MessageWriter(out, static_cast<char>(type)) {}
    ~MessageWriter() {
        store_u32(out_, length_at_, static_cast<std::uint32_t>(out_.size() - length_at_));
    }
    MessageWriter(const MessageWriter&) = delete;
    MessageWriter& operator=(const MessageWriter&) = delete;

    MessageWriter& c_string(std::string_view text) {
        out_.append(text).push_back('\0');
        return *this;
    }
    MessageWriter& bytes(std::string_view bytes) {
        out_.append(bytes);
        return *this;
    }
    MessageWriter& byte(char value) {
        out_.push_back(value);
        return *this;
    }
    MessageWriter& u16(std::uint16_t value) {
        append_u16(out_, value);
        return *this;
    }
    MessageWriter& u32(std::uint32_t value) {
        append_u32(out_, value);
        return *this;
    }

 private:
    MessageWriter(std::string& out, char type) : out_(out) {
        out_.push_back(type);
        length_at_ = out_.size();
        append_u32(out_, 0);
    }

    std::string& out_;
    std::size_t length_at_ = 0;
};

inline void write_ready_for_query(std::string& out, TransactionStatus status) {
    MessageWriter(out, Backend::ReadyForQuery).byte(static_cast<char>(status));
}
inline void write_parameter_status(
    std::string& out, std::string_view name, std::string_view value
) {
    MessageWriter(out, Backend::ParameterStatus).c_string(name).c_string(value);
}
inline void write_query(std::string& out, std::string_view sql) {
    MessageWriter(out, Frontend::Query).c_string(sql);
}
inline void write_sync(std::string& out) { MessageWriter(out, Frontend::Sync); }
inline void write_terminate(std::string& out) { MessageWriter(out, Frontend::Terminate); }

}  // namespace penstock::wire
