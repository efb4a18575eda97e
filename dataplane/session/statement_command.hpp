// Commands of SQL about prepared statements. Their names are the client's, which servers know by
// other names.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace penstock::session {

struct StatementCommand {
    enum class Kind : std::uint8_t {
        None,           // anything else, also more than one command
        Deallocate,     // DEALLOCATE name
        DeallocateAll,  // DEALLOCATE ALL, DISCARD ALL
        Execute,        // EXECUTE name ...
        Prepare,        // PREPARE name ...
    } kind = Kind::None;
    std::string name = {};      // as PostgreSQL reads it: in lower case unless it is quoted
    std::size_t name_at = 0;    // where it stands in the text, in bytes
    std::size_t name_size = 0;  // with its quotes
};

// Can the text be such a command, by its first character? Cheap.
inline bool may_be_command(std::string_view sql) {
    switch (sql.empty() ? ';' : sql.front()) {
        case ' ':
        case '\t':
        case '\n':
        case '\r':
        case '\f':
        case '\v':
        case '-':
        case '/':
        case 'd':
        case 'D':
        case 'e':
        case 'E':
        case 'p':
        case 'P':
            return true;
        default:
            return false;
    }
}

// What the text is.
StatementCommand command_in(std::string_view sql);

// Has the text a word by which it may change how PostgreSQL reads or plans statements, other than
// by parameters that it reports?
bool alters_reading(std::string_view sql);

}  // namespace penstock::session
