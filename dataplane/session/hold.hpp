// Why a server stays with its client: a set of reasons. A server goes back to its pool when the set
// is empty.
#pragma once

#include <cstdint>

namespace penstock::session {

enum class HoldReason : std::uint8_t {
    Session = 1 << 0,      // pool mode Session: until the client leaves
    Transaction = 1 << 1,  // ReadyForQuery said T or E
    Owed = 1 << 2,         // replies are still to come
    Unsynced = 1 << 3,     // extended messages were sent and no Sync behind them
    MidMessage = 1 << 4,   // part of a message went to the server
};

class Hold {
 public:
    void set(HoldReason reason, bool is_held = true) {
        const auto bit = static_cast<std::uint8_t>(reason);
        reasons_ = static_cast<std::uint8_t>(is_held ? reasons_ | bit : reasons_ & ~bit);
    }
    void clear(HoldReason reason) { set(reason, false); }
    void clear_all() { reasons_ = 0; }
    bool has(HoldReason reason) const {
        return (reasons_ & static_cast<std::uint8_t>(reason)) != 0;
    }
    bool is_empty() const { return reasons_ == 0; }
    bool is_only(HoldReason reason) const { return reasons_ == static_cast<std::uint8_t>(reason); }

 private:
    std::uint8_t reasons_ = 0;
};

}  // namespace penstock::session
