#include "dataplane/session/command_tag.hpp"

namespace penstock::session {

// Each of these tags has a length of its own.
Command command_of(std::string_view tag) {
    const auto if_it_is = [tag](std::string_view name, Command command) {
        return tag == name ? command : Command::Other;
    };
    switch (tag.size()) {
        case 3:
            return if_it_is("SET", Command::Set);
        case 5:
            return if_it_is("RESET", Command::Reset);
        case 6:
            return if_it_is("COMMIT", Command::End);
        case 7:
            return if_it_is("PREPARE", Command::Prepare);
        case 8:
            return tag[0] == 'R' ? if_it_is("ROLLBACK", Command::End) : Command::Other;
        case 10:
            return if_it_is("DEALLOCATE", Command::Deallocate);
        case 11:
            return if_it_is("DISCARD ALL", Command::DiscardAll);
        case 14:
            return if_it_is("DEALLOCATE ALL", Command::DeallocateAll);
        default:
            return Command::Other;
    }
}

}  // namespace penstock::session
