// The commands that change what a server keeps for its client, by the tag of their CommandComplete.
#pragma once

#include <cstdint>
#include <string_view>

namespace penstock::session {

enum class Command : std::uint8_t {
    Other,
    Set,
    Reset,
    End,  // of a transaction
    Prepare,
    Deallocate,
    DeallocateAll,
    DiscardAll,
};

Command command_of(std::string_view tag);

}  // namespace penstock::session
